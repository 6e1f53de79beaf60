/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/kvm.h"

#include <sys/resource.h>

#include "tests/vmm/bare-kvm.h"

#define PIC_MASTER_INPUTS 8u
#define PORT 0x10u

/* page tables for the first 5 GiB, in pages of 2 MiB, where nothing else is */
#define PML4_GPA 0x10000u
#define PDPT_GPA 0x11000u
#define PD_GPA 0x12000u
#define N_GIB 5u
#define PRESENT_WRITABLE 3u
#define LARGE_PAGE 0x80u

typedef Openvmm__X86__PlatformState PlatformState;

static void
free_state (PlatformState *state)
{
  openvmm__x86__platform_state__free_unpacked (state, NULL);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PlatformState, free_state)

static PlatformState *
save (BareKvm *bare)
{
  g_autoptr (GError) error = NULL;
  PlatformState *state = vmm_kvm_save_platform (bare->kvm, &error);

  g_assert_no_error (error);
  return state;
}

/* a process that may not open any more files */
static void
test_tells_why_it_cannot_be_made (void)
{
  struct rlimit limit, none;
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 0);
  g_autoptr (GError) error = NULL;
  VmmKvm *kvm;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  none = limit;
  none.rlim_cur = 3;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &none), ==, 0);
  kvm = vmm_kvm_new (bare->memory, &error);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  g_assert_null (kvm);
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "make a virtual machine"));
}

static void
map_first_gibs (BareKvm *bare)
{
  guint64 entry = PDPT_GPA | PRESENT_WRITABLE;

  bare_kvm_write (bare, PML4_GPA, &entry, sizeof entry);
  for (guint gib = 0; gib < N_GIB; gib++)
    {
      guint64 table = PD_GPA + gib * VMM_PAGE_SIZE;

      entry = table | PRESENT_WRITABLE;
      bare_kvm_write (bare, PDPT_GPA + gib * sizeof entry, &entry, sizeof entry);
      for (guint i = 0; i < 512; i++)
        {
          entry = ((guint64) gib << 30) | (i << 21) | LARGE_PAGE | PRESENT_WRITABLE;
          bare_kvm_write (bare, table + i * sizeof entry, &entry, sizeof entry);
        }
    }
}

static guint8
run_to_output (VmmKvmVp *vp)
{
  VmmKvmExit exit = { 0 };

  vmm_kvm_vp_run (vp, &exit);
  g_assert_cmpint (exit.kind, ==, VMM_KVM_EXIT_PIO);
  g_assert_true (exit.is_write);
  g_assert_cmphex (exit.address, ==, PORT);
  return exit.data[0];
}

/* The guest finds all of its RAM, below the hole and above 4 GiB, and nothing in the hole. */
static void
test_ram_lies_around_the_hole (void)
{
  static const guint8 code[] = {
    0xbb, 0xff, 0xff, 0xff, 0xbf,                               /* mov ebx, 0xbfffffff */
    0x8a, 0x03,                                                 /* mov al, [rbx] */
    0xe6, PORT,                                                 /* out PORT, al */
    0x48, 0xbb, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, /* mov rbx, 0x100000000 */
    0x8a, 0x03, 0xe6, PORT, 0xbb, 0x00, 0x00, 0x00, 0xc0,       /* mov ebx, 0xc0000000 */
    0x8a, 0x03, 0xe6, PORT,
  };
  g_autoptr (BareKvm) bare = bare_kvm_new (VMM_MEMORY_HOLE_START + 2 * 1024 * 1024, 1);
  VmmBootEntry entry = { .mode = VMM_BOOT_LONG_MODE, .rip = BARE_KVM_CODE, .cr3 = PML4_GPA };
  VmmKvmVp *vp = bare_kvm_vp (bare, 0);
  VmmKvmExit exit = { 0 };
  g_autoptr (GError) error = NULL;

  map_first_gibs (bare);
  bare_kvm_write (bare, BARE_KVM_CODE, code, sizeof code);
  bare_kvm_write (bare, VMM_MEMORY_HOLE_START - 1, "a", 1);
  bare_kvm_write (bare, VMM_MEMORY_HOLE_END, "b", 1);
  g_assert_true (vmm_kvm_vp_set_entry (vp, &entry, &error));
  g_assert_no_error (error);
  g_assert_cmpint (run_to_output (vp), ==, 'a');
  g_assert_cmpint (run_to_output (vp), ==, 'b');
  vmm_kvm_vp_run (vp, &exit);
  g_assert_cmpint (exit.kind, ==, VMM_KVM_EXIT_MMIO);
  g_assert_false (exit.is_write);
  g_assert_cmphex (exit.address, ==, VMM_MEMORY_HOLE_START);
}

static void
test_raises_lines (void)
{
  static const guint lines[] = { 4, 9, 15 };

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
      guint irq = lines[i];
      gboolean is_master = irq < PIC_MASTER_INPUTS;
      g_autoptr (PlatformState) before = save (bare);
      g_autoptr (PlatformState) raised = NULL;
      g_autoptr (PlatformState) lowered = NULL;

      g_assert_cmphex (before->pic_master->irr | before->pic_slave->irr, ==, 0);
      g_assert_cmphex (before->ioapic->irr & 1u << irq, ==, 0);
      vmm_kvm_set_irq (bare->kvm, irq, TRUE);
      raised = save (bare);
      g_assert_cmphex (raised->ioapic->irr, ==, before->ioapic->irr | 1u << irq);
      g_assert_cmphex ((is_master ? raised->pic_master : raised->pic_slave)->irr,
                       ==,
                       1u << irq % PIC_MASTER_INPUTS);
      g_assert_cmphex ((is_master ? raised->pic_master : raised->pic_slave)->last_irr,
                       ==,
                       1u << irq % PIC_MASTER_INPUTS);
      if (is_master)
        g_assert_cmphex (raised->pic_slave->irr, ==, 0);
      vmm_kvm_set_irq (bare->kvm, irq, FALSE);
      lowered = save (bare);
      g_assert_cmphex (lowered->ioapic->irr & 1u << irq, ==, 0);
      g_assert_cmphex ((is_master ? lowered->pic_master : lowered->pic_slave)->last_irr, ==, 0);
    }
}

static void
test_free_of_nothing (void)
{
  vmm_kvm_free (NULL);
  vmm_kvm_vp_free (NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/kvm/tells-why-it-cannot-be-made", test_tells_why_it_cannot_be_made);
  g_test_add_func ("/vmm/kvm/ram-lies-around-the-hole", test_ram_lies_around_the_hole);
  g_test_add_func ("/vmm/kvm/raises-lines", test_raises_lines);
  g_test_add_func ("/vmm/kvm/free-of-nothing", test_free_of_nothing);
  return g_test_run ();
}
