/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What saves and what loads a part stand next to each other, so that a field forgotten on one side is seen. */

#include "config.h"
#include "vmm/kvm-private.h"

#include <string.h>
#include <time.h>

/* what KVM shows as the mode of a channel that was not programmed since reset */
#define PIT_MODE_UNSET 0xff
#define PIT_CHANNELS 3u
#define PIT_MODE_RATE_GENERATOR 2u
#define PIT_MODE_SQUARE_WAVE 3u

gboolean
vmm_kvm_get_clock (VmmKvm *kvm, guint64 *clock_ns, GError **error)
{
  struct kvm_clock_data data = { 0 };

  if (vmm_kvm_ioctl (kvm->fd, KVM_GET_CLOCK, &data, "read the guest's clock", error) < 0)
    return FALSE;
  *clock_ns = data.clock;
  return TRUE;
}

gboolean
vmm_kvm_set_clock (VmmKvm *kvm, guint64 clock_ns, GError **error)
{
  struct kvm_clock_data data = { .clock = clock_ns };

  return vmm_kvm_ioctl (kvm->fd, KVM_SET_CLOCK, &data, "set the guest's clock", error) >= 0;
}

static gint64
monotonic_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (gint64) now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

static gboolean
set_corrupt (GError **error, const char *what)
{
  g_set_error (error, VMM_ERROR, VMM_ERROR_CORRUPT, "the saved state of the platform is damaged: %s", what);
  return FALSE;
}

static Openvmm__X86__Pic *
pack_pic (const struct kvm_pic_state *pic)
{
  Openvmm__X86__Pic *message = g_new (Openvmm__X86__Pic, 1);

  openvmm__x86__pic__init (message);
  message->last_irr = pic->last_irr;
  message->irr = pic->irr;
  message->imr = pic->imr;
  message->isr = pic->isr;
  message->priority_add = pic->priority_add;
  message->irq_base = pic->irq_base;
  message->read_reg_select = pic->read_reg_select;
  message->poll = pic->poll;
  message->special_mask = pic->special_mask;
  message->init_state = pic->init_state;
  message->auto_eoi = pic->auto_eoi;
  message->rotate_on_auto_eoi = pic->rotate_on_auto_eoi;
  message->special_fully_nested_mode = pic->special_fully_nested_mode;
  message->init4 = pic->init4;
  message->elcr = pic->elcr;
  message->elcr_mask = pic->elcr_mask;
  return message;
}

static gboolean
unpack_pic (const Openvmm__X86__Pic *message, struct kvm_pic_state *pic)
{
  if (message == NULL || message->last_irr > 0xff || message->irr > 0xff || message->imr > 0xff ||
      message->isr > 0xff || message->priority_add > 7 || message->irq_base > 0xff ||
      message->init_state > 3 || message->elcr > 0xff || message->elcr_mask > 0xff)
    return FALSE;
  *pic = (struct kvm_pic_state){
    .last_irr = message->last_irr,
    .irr = message->irr,
    .imr = message->imr,
    .isr = message->isr,
    .priority_add = message->priority_add,
    .irq_base = message->irq_base,
    .read_reg_select = message->read_reg_select,
    .poll = message->poll,
    .special_mask = message->special_mask,
    .init_state = message->init_state,
    .auto_eoi = message->auto_eoi,
    .rotate_on_auto_eoi = message->rotate_on_auto_eoi,
    .special_fully_nested_mode = message->special_fully_nested_mode,
    .init4 = message->init4,
    .elcr = message->elcr,
    .elcr_mask = message->elcr_mask,
  };
  return TRUE;
}

static Openvmm__X86__IoApic *
pack_ioapic (const struct kvm_ioapic_state *ioapic)
{
  Openvmm__X86__IoApic *message = g_new (Openvmm__X86__IoApic, 1);

  openvmm__x86__io_apic__init (message);
  message->base_address = ioapic->base_address;
  message->ioregsel = ioapic->ioregsel;
  message->id = ioapic->id;
  message->irr = ioapic->irr;
  message->n_redirection = KVM_IOAPIC_NUM_PINS;
  message->redirection = g_new (uint64_t, KVM_IOAPIC_NUM_PINS);
  for (guint i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
    message->redirection[i] = ioapic->redirtbl[i].bits;
  return message;
}

static gboolean
unpack_ioapic (const Openvmm__X86__IoApic *message, struct kvm_ioapic_state *ioapic)
{
  if (message == NULL || message->n_redirection != KVM_IOAPIC_NUM_PINS)
    return FALSE;
  *ioapic = (struct kvm_ioapic_state){
    .base_address = message->base_address,
    .ioregsel = message->ioregsel,
    .id = message->id,
    .irr = message->irr,
  };
  for (guint i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
    ioapic->redirtbl[i].bits = message->redirection[i];
  return TRUE;
}

static Openvmm__X86__PitChannel *
pack_pit_channel (const struct kvm_pit_channel_state *channel, gint64 now_ns)
{
  Openvmm__X86__PitChannel *message = g_new (Openvmm__X86__PitChannel, 1);

  openvmm__x86__pit_channel__init (message);
  message->count = channel->count;
  message->latched_count = channel->latched_count;
  message->count_latched = channel->count_latched;
  message->status_latched = channel->status_latched;
  message->status = channel->status;
  message->read_state = channel->read_state;
  message->write_state = channel->write_state;
  message->write_latch = channel->write_latch;
  message->rw_mode = channel->rw_mode;
  message->mode = channel->mode;
  message->bcd = channel->bcd;
  message->gate = channel->gate;
  /* modulo 2^64, as a load of any age may have made it */
  message->count_load_age_ns = (gint64) ((guint64) now_ns - (guint64) channel->count_load_time);
  return message;
}

static gboolean
unpack_pit_channel (const Openvmm__X86__PitChannel *message,
                    gint64 now_ns,
                    struct kvm_pit_channel_state *channel)
{
  if (message->count > 0x10000 || message->latched_count > 0xffff || message->count_latched > 0xff ||
      message->status_latched > 0xff || message->status > 0xff || message->read_state > 4 ||
      message->write_state > 4 || message->write_latch > 0xff || message->rw_mode > 3 ||
      (message->mode > 7 && message->mode != PIT_MODE_UNSET) || message->bcd > 1 || message->gate > 1)
    return FALSE;
  *channel = (struct kvm_pit_channel_state){
    .count = message->count,
    .latched_count = message->latched_count,
    .count_latched = message->count_latched,
    .status_latched = message->status_latched,
    .status = message->status,
    .read_state = message->read_state,
    .write_state = message->write_state,
    .write_latch = message->write_latch,
    .rw_mode = message->rw_mode,
    .mode = message->mode,
    .bcd = message->bcd,
    .gate = message->gate,
    .count_load_time = (gint64) ((guint64) now_ns - (guint64) message->count_load_age_ns),
  };
  return TRUE;
}

static Openvmm__X86__Pit *
pack_pit (const struct kvm_pit_state2 *pit)
{
  Openvmm__X86__Pit *message = g_new (Openvmm__X86__Pit, 1);
  gint64 now_ns = monotonic_ns ();

  openvmm__x86__pit__init (message);
  message->flags = pit->flags;
  message->n_channels = PIT_CHANNELS;
  message->channels = g_new0 (Openvmm__X86__PitChannel *, PIT_CHANNELS);
  for (guint i = 0; i < PIT_CHANNELS; i++)
    message->channels[i] = pack_pit_channel (&pit->channels[i], now_ns);
  return message;
}

static gboolean
unpack_pit (const Openvmm__X86__Pit *message, struct kvm_pit_state2 *pit)
{
  gint64 now_ns = monotonic_ns ();

  if (message == NULL || message->n_channels != PIT_CHANNELS)
    return FALSE;
  memset (pit, 0, sizeof *pit);
  pit->flags = message->flags;
  for (guint i = 0; i < PIT_CHANNELS; i++)
    if (!unpack_pit_channel (message->channels[i], now_ns, &pit->channels[i]))
      return FALSE;
  return TRUE;
}

static gboolean
access_chip (VmmKvm *kvm, gulong request, struct kvm_irqchip *chip, GError **error)
{
  return vmm_kvm_ioctl (kvm->fd, request, chip, "reach an interrupt controller", error) >= 0;
}

Openvmm__X86__PlatformState *
vmm_kvm_save_platform (VmmKvm *kvm, GError **error)
{
  struct kvm_irqchip master = { .chip_id = KVM_IRQCHIP_PIC_MASTER };
  struct kvm_irqchip slave = { .chip_id = KVM_IRQCHIP_PIC_SLAVE };
  struct kvm_irqchip ioapic = { .chip_id = KVM_IRQCHIP_IOAPIC };
  struct kvm_pit_state2 pit;
  Openvmm__X86__PlatformState *state;

  if (vmm_kvm_ioctl (kvm->fd, KVM_GET_PIT2, &pit, "read the timer", error) < 0 ||
      !access_chip (kvm, KVM_GET_IRQCHIP, &master, error) ||
      !access_chip (kvm, KVM_GET_IRQCHIP, &slave, error) ||
      !access_chip (kvm, KVM_GET_IRQCHIP, &ioapic, error))
    return NULL;
  state = g_new (Openvmm__X86__PlatformState, 1);
  openvmm__x86__platform_state__init (state);
  state->pic_master = pack_pic (&master.chip.pic);
  state->pic_slave = pack_pic (&slave.chip.pic);
  state->ioapic = pack_ioapic (&ioapic.chip.ioapic);
  state->pit = pack_pit (&pit);
  return state;
}

gboolean
vmm_kvm_load_platform (VmmKvm *kvm, const Openvmm__X86__PlatformState *state, GError **error)
{
  struct kvm_irqchip master = { .chip_id = KVM_IRQCHIP_PIC_MASTER };
  struct kvm_irqchip slave = { .chip_id = KVM_IRQCHIP_PIC_SLAVE };
  struct kvm_irqchip ioapic = { .chip_id = KVM_IRQCHIP_IOAPIC };
  struct kvm_pit_state2 pit;

  if (!unpack_pic (state->pic_master, &master.chip.pic) || !unpack_pic (state->pic_slave, &slave.chip.pic))
    return set_corrupt (error, "8259A interrupt controllers");
  if (!unpack_ioapic (state->ioapic, &ioapic.chip.ioapic))
    return set_corrupt (error, "I/O APIC");
  if (!unpack_pit (state->pit, &pit))
    return set_corrupt (error, "timer");
  return vmm_kvm_ioctl (kvm->fd, KVM_SET_PIT2, &pit, "set the timer", error) >= 0 &&
         access_chip (kvm, KVM_SET_IRQCHIP, &master, error) &&
         access_chip (kvm, KVM_SET_IRQCHIP, &slave, error) &&
         access_chip (kvm, KVM_SET_IRQCHIP, &ioapic, error);
}

/* Only its first channel raises interrupts. */
gboolean
vmm_kvm_platform_may_have_timer (const Openvmm__X86__PlatformState *state)
{
  return state->pit == NULL || state->pit->n_channels == 0 || state->pit->channels[0]->mode != PIT_MODE_UNSET;
}

/*
 * KVM forgets them when the timer is set, be it to what it is. With KVM_REINJECT_CONTROL it would count none at all,
 * but that waits for grace periods of the kernel: 15 ms for each machine that is made, which was measured.
 */
gboolean
vmm_kvm_drop_ticks (VmmKvm *kvm, GError **error)
{
  struct kvm_pit_state2 pit;
  guint mode;

  if (vmm_kvm_ioctl (kvm->fd, KVM_GET_PIT2, &pit, "read the timer", error) < 0)
    return FALSE;
  mode = pit.channels[0].mode;
  return (mode != PIT_MODE_RATE_GENERATOR && mode != PIT_MODE_SQUARE_WAVE) ||
         vmm_kvm_ioctl (kvm->fd, KVM_SET_PIT2, &pit, "set the timer", error) >= 0;
}
