/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/kvm-private.h"

#include <signal.h>
#include <sys/ioctl.h>

#include "tests/vmm/bare-kvm.h"

#define PORT 0x510u
#define PORT_BYTES 0x10, 0x05
#define MMIO 0xd0000000u
#define STRING_GPA 0x20000u
#define STRING_LENGTH 16u
#define PVCLOCK_GPA 0x30000u
#define PVCLOCK_FLAGS 29u /* of struct pvclock_vcpu_time_info */
#define PVCLOCK_GUEST_STOPPED 2u

#define MSR_TSC 0x10u
#define MSR_MISC_ENABLE 0x1a0u
#define MSR_MTRR_DEF_TYPE 0x2ffu
#define MSR_KVM_SYSTEM_TIME 0x4b564d01u

#define TSC_STEP (1ull << 50) /* days, at any rate */
#define PATIENCE_USEC (30 * G_USEC_PER_SEC)

typedef Openvmm__X86__VpState VpState;

static void
free_state (VpState *state)
{
  openvmm__x86__vp_state__free_unpacked (state, NULL);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpState, free_state)

static BareKvm *
enter (const guint8 *code, gsize length)
{
  BareKvm *bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);

  bare_kvm_enter (bare, code, length);
  return bare;
}

static VmmKvmExit
run (BareKvm *bare)
{
  VmmKvmExit exit = { 0 };

  vmm_kvm_vp_run (bare_kvm_vp (bare, 0), &exit);
  return exit;
}

static VmmKvmExit
run_to (BareKvm *bare, VmmKvmExitKind kind, gboolean is_write, guint64 address, guint size)
{
  VmmKvmExit exit = run (bare);

  g_assert_cmpint (exit.kind, ==, kind);
  g_assert_cmpint (exit.is_write, ==, is_write);
  g_assert_cmphex (exit.address, ==, address);
  g_assert_cmpuint (exit.size, ==, size);
  return exit;
}

static void
test_port_io (void)
{
  static const guint8 code[] = {
    0x66, 0xba, PORT_BYTES,             /* mov dx, PORT */
    0xb8, 0x78, 0x56,       0x34, 0x12, /* mov eax, 0x12345678 */
    0xee,                               /* out dx, al */
    0x66, 0xef,                         /* out dx, ax */
    0xef,                               /* out dx, eax */
    0xed,                               /* in eax, dx */
    0xef,                               /* out dx, eax */
    0xec,                               /* in al, dx */
    0xef,                               /* out dx, eax */
  };
  static const guint8 wide[] = { 0x11, 0x22, 0x33, 0x44 };
  g_autoptr (BareKvm) bare = enter (code, sizeof code);
  VmmKvmExit exit;

  for (guint size = 1; size <= 4; size *= 2)
    {
      exit = run_to (bare, VMM_KVM_EXIT_PIO, TRUE, PORT, size);
      g_assert_cmpuint (exit.count, ==, 1);
      g_assert_cmpmem (exit.data, size, "\x78\x56\x34\x12", size);
    }
  exit = run_to (bare, VMM_KVM_EXIT_PIO, FALSE, PORT, 4);
  g_assert_cmpuint (exit.count, ==, 1);
  memcpy (exit.data, wide, 4);
  exit = run_to (bare, VMM_KVM_EXIT_PIO, TRUE, PORT, 4);
  g_assert_cmpmem (exit.data, 4, wide, 4);
  exit = run_to (bare, VMM_KVM_EXIT_PIO, FALSE, PORT, 1);
  exit.data[0] = 0x99;
  exit = run_to (bare, VMM_KVM_EXIT_PIO, TRUE, PORT, 4);
  g_assert_cmpmem (exit.data, 4, "\x99\x22\x33\x44", 4);
}

static void
test_memory_mapped_io (void)
{
  static const guint8 code[] = {
    0xbb, 0x00, 0x00, 0x00, 0xd0, /* mov ebx, MMIO */
    0xb8, 0x78, 0x56, 0x34, 0x12, /* mov eax, 0x12345678 */
    0x88, 0x03,                   /* mov [ebx], al */
    0x66, 0x89, 0x43, 0x02,       /* mov [ebx+2], ax */
    0x89, 0x43, 0x04,             /* mov [ebx+4], eax */
    0x8b, 0x43, 0x08,             /* mov eax, [ebx+8] */
    0x89, 0x03,                   /* mov [ebx], eax */
  };
  g_autoptr (BareKvm) bare = enter (code, sizeof code);
  VmmKvmExit exit;

  exit = run_to (bare, VMM_KVM_EXIT_MMIO, TRUE, MMIO, 1);
  g_assert_cmpmem (exit.data, 1, "\x78", 1);
  g_assert_cmpuint (exit.count, ==, 1);
  exit = run_to (bare, VMM_KVM_EXIT_MMIO, TRUE, MMIO + 2, 2);
  g_assert_cmpmem (exit.data, 2, "\x78\x56", 2);
  exit = run_to (bare, VMM_KVM_EXIT_MMIO, TRUE, MMIO + 4, 4);
  g_assert_cmpmem (exit.data, 4, "\x78\x56\x34\x12", 4);
  exit = run_to (bare, VMM_KVM_EXIT_MMIO, FALSE, MMIO + 8, 4);
  g_assert_cmpuint (exit.count, ==, 1);
  memcpy (exit.data, "\x11\x22\x33\x44", 4);
  exit = run_to (bare, VMM_KVM_EXIT_MMIO, TRUE, MMIO, 4);
  g_assert_cmpmem (exit.data, 4, "\x11\x22\x33\x44", 4);
}

/* A string is read in one exit with all of its items; KVM writes one an item at a time, or more. */
static void
test_string_io (void)
{
  static const guint8 code[] = {
    0x66, 0xba, PORT_BYTES,             /* mov dx, PORT */
    0xbf, 0x00, 0x00,       0x02, 0x00, /* mov edi, STRING_GPA */
    0xb9, 0x10, 0x00,       0x00, 0x00, /* mov ecx, STRING_LENGTH */
    0xf3, 0x66, 0x6d,                   /* rep insw */
    0xbe, 0x00, 0x00,       0x02, 0x00, /* mov esi, STRING_GPA */
    0xb9, 0x10, 0x00,       0x00, 0x00, /* mov ecx, STRING_LENGTH */
    0xf3, 0x66, 0x6f,                   /* rep outsw */
  };
  guint8 sent[STRING_LENGTH * 2], got[STRING_LENGTH * 2];
  g_autoptr (BareKvm) bare = enter (code, sizeof code);
  g_autoptr (GError) error = NULL;
  VmmKvmExit exit;

  for (guint i = 0; i < sizeof sent; i++)
    sent[i] = 0x41 + i;
  exit = run_to (bare, VMM_KVM_EXIT_PIO, FALSE, PORT, 2);
  g_assert_cmpuint (exit.count, ==, STRING_LENGTH);
  memcpy (exit.data, sent, sizeof sent);
  for (guint n = 0; n < STRING_LENGTH; n += exit.count)
    {
      exit = run_to (bare, VMM_KVM_EXIT_PIO, TRUE, PORT, 2);
      g_assert_cmpuint (exit.count, >=, 1);
      g_assert_cmpuint (n + exit.count, <=, STRING_LENGTH);
      g_assert_cmpmem (exit.data, exit.count * 2, sent + n * 2, exit.count * 2);
    }
  g_assert_true (vmm_memory_read (bare->memory, STRING_GPA, got, sizeof got, &error));
  g_assert_no_error (error);
  g_assert_cmpmem (got, sizeof got, sent, sizeof sent);
}

static void
test_triple_fault (void)
{
  static const guint8 code[] = { 0x0f, 0x0b }; /* ud2, and no table says what to do */
  g_autoptr (BareKvm) bare = enter (code, sizeof code);

  g_assert_cmpint (run (bare).kind, ==, VMM_KVM_EXIT_SHUTDOWN);
}

/* code where there is no memory: KVM gives up, or reads it from us as from a device */
static void
test_tells_why_it_cannot_go_on (void)
{
  static const guint8 code[] = { 0xb8, 0x00, 0x00, 0x00, 0xd0, 0xff, 0xe0 }; /* mov eax, MMIO; jmp eax */
  g_autoptr (BareKvm) bare = enter (code, sizeof code);
  VmmKvmExit exit = run (bare);

  g_assert_cmpint (exit.kind, ==, VMM_KVM_EXIT_FAILED);
  g_assert_nonnull (strstr (exit.reason, "VP 0"));
  g_assert_nonnull (strstr (exit.reason, "0xd0000000"));
}

static void
check_immediate_exit (BareKvm *bare, guint64 rip, guint64 rax)
{
  g_autoptr (VpState) state = NULL;

  vmm_kvm_vp_set_immediate_exit (bare_kvm_vp (bare, 0), TRUE);
  g_assert_cmpint (run (bare).kind, ==, VMM_KVM_EXIT_INTERRUPTED);
  /* and as often as one likes */
  g_assert_cmpint (run (bare).kind, ==, VMM_KVM_EXIT_INTERRUPTED);
  state = bare_kvm_save_vp (bare, 0);
  g_assert_cmphex (state->registers->rip, ==, rip);
  g_assert_cmphex (state->registers->rax, ==, rax);
  vmm_kvm_vp_set_immediate_exit (bare_kvm_vp (bare, 0), FALSE);
}

static void
test_immediate_exit_finishes_port_read (void)
{
  static const guint8 code[] = {
    0x31, 0xc0,             /* xor eax, eax */
    0x66, 0xba, PORT_BYTES, /* mov dx, PORT */
    0xec,                   /* in al, dx */
    0xee,                   /* out dx, al */
  };
  g_autoptr (BareKvm) bare = enter (code, sizeof code);
  VmmKvmExit exit = run_to (bare, VMM_KVM_EXIT_PIO, FALSE, PORT, 1);

  exit.data[0] = 0x41;
  check_immediate_exit (bare, BARE_KVM_CODE + 7, 0x41);
  exit = run_to (bare, VMM_KVM_EXIT_PIO, TRUE, PORT, 1);
  g_assert_cmphex (exit.data[0], ==, 0x41);
}

static void
test_immediate_exit_finishes_memory_read (void)
{
  static const guint8 code[] = {
    0xa1, 0x00, 0x00,       0x00, 0xd0, /* mov eax, [MMIO] */
    0x66, 0xba, PORT_BYTES,             /* mov dx, PORT */
    0xef,                               /* out dx, eax */
  };
  g_autoptr (BareKvm) bare = enter (code, sizeof code);
  VmmKvmExit exit = run_to (bare, VMM_KVM_EXIT_MMIO, FALSE, MMIO, 4);

  memcpy (exit.data, "\x44\x33\x22\x11", 4);
  check_immediate_exit (bare, BARE_KVM_CODE + 5, 0x11223344);
  run_to (bare, VMM_KVM_EXIT_PIO, TRUE, PORT, 4);
}

static void
test_immediate_exit_before_first_instruction (void)
{
  static const guint8 code[] = { 0x66, 0xba, PORT_BYTES, 0xee }; /* mov dx, PORT; out dx, al */
  g_autoptr (BareKvm) bare = enter (code, sizeof code);

  check_immediate_exit (bare, BARE_KVM_CODE, 0);
  run_to (bare, VMM_KVM_EXIT_PIO, TRUE, PORT, 1);
}

static void
on_kick (int signal_number)
{
}

typedef struct
{
  BareKvm *bare;
  VmmKvmExit exit;
  gint is_done;
} Runner;

static gpointer
run_once (gpointer data)
{
  Runner *runner = data;

  vmm_kvm_vp_run (bare_kvm_vp (runner->bare, 0), &runner->exit);
  g_atomic_int_set (&runner->is_done, TRUE);
  return NULL;
}

static void
check_kick (const guint8 *code, gsize length)
{
  struct sigaction action = { .sa_handler = on_kick };
  g_autoptr (BareKvm) bare = enter (code, length);
  Runner runner = { .bare = bare };
  gint64 deadline = g_get_monotonic_time () + PATIENCE_USEC;
  pthread_t id;

  g_assert_cmpint (sigaction (SIGUSR1, &action, NULL), ==, 0);
  g_assert_cmpint (pthread_create (&id, NULL, run_once, &runner), ==, 0);
  g_usleep (50000);
  g_assert_false (g_atomic_int_get (&runner.is_done));
  vmm_kvm_vp_set_immediate_exit (bare_kvm_vp (bare, 0), TRUE);
  g_assert_cmpint (pthread_kill (id, SIGUSR1), ==, 0);
  while (!g_atomic_int_get (&runner.is_done))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_usleep (1000);
    }
  g_assert_cmpint (pthread_join (id, NULL), ==, 0);
  g_assert_cmpint (runner.exit.kind, ==, VMM_KVM_EXIT_INTERRUPTED);
}

static void
test_kick_while_in_guest (void)
{
  check_kick ((const guint8[]){ 0xeb, 0xfe }, 2); /* jmp to itself */
}

static void
test_kick_while_halted (void)
{
  check_kick ((const guint8[]){ 0xf4 }, 1); /* hlt */
}

static guint64
msr_of (const VpState *state, guint32 index)
{
  for (gsize i = 0; i < state->n_msrs; i++)
    if (state->msrs[i]->index == index)
      return state->msrs[i]->value;
  g_assert_not_reached ();
}

static void
check_data_segment (const Openvmm__X86__Segment *segment)
{
  g_assert_cmphex (segment->selector, ==, 0x18);
  g_assert_cmphex (segment->base_address, ==, 0);
  g_assert_cmphex (segment->limit, ==, 0xffffffff);
  g_assert_cmphex (segment->type, ==, 3);
  g_assert_cmphex (segment->dpl, ==, 0);
  g_assert_true (segment->present && segment->s && segment->g && segment->db);
}

static void
check_entry (VmmBootMode mode)
{
  const VmmBootEntry entry = {
    .mode = mode,
    .rip = 0x1000200,
    .rsi = 0x7000,
    .rbx = 0x6000,
    .rsp = 0x9000,
    .cr3 = 0xa000,
    .gdt_base = 0x500,
    .gdt_limit = 0x2f,
  };
  gboolean is_long = mode == VMM_BOOT_LONG_MODE;
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  VmmKvmVp *vp = bare_kvm_vp (bare, 0);
  g_autoptr (VpState) state = NULL;
  g_autoptr (GError) error = NULL;
  const Openvmm__X86__SystemRegisters *system;

  g_assert_true (vmm_kvm_vp_set_entry (vp, &entry, &error));
  g_assert_no_error (error);
  state = bare_kvm_save_vp (bare, 0);
  system = state->system_registers;
  g_assert_cmphex (state->registers->rip, ==, entry.rip);
  g_assert_cmphex (state->registers->rsi, ==, entry.rsi);
  g_assert_cmphex (state->registers->rbx, ==, entry.rbx);
  g_assert_cmphex (state->registers->rsp, ==, entry.rsp);
  g_assert_cmphex (state->registers->rflags, ==, 2);
  g_assert_cmphex (system->cs->selector, ==, 0x10);
  g_assert_cmphex (system->cs->type, ==, 0xb);
  g_assert_cmphex (system->cs->limit, ==, 0xffffffff);
  g_assert_cmpint (system->cs->l, ==, is_long);
  g_assert_cmpint (system->cs->db, ==, !is_long);
  check_data_segment (system->ds);
  check_data_segment (system->es);
  check_data_segment (system->fs);
  check_data_segment (system->gs);
  check_data_segment (system->ss);
  g_assert_cmphex (system->tr->selector, ==, 0x20);
  g_assert_cmphex (system->tr->type, ==, 0xb);
  g_assert_cmphex (system->tr->limit, ==, 0x67);
  g_assert_cmphex (system->gdt->base_address, ==, entry.gdt_base);
  g_assert_cmphex (system->gdt->limit, ==, entry.gdt_limit);
  g_assert_cmphex (system->idt->limit, ==, 0);
  g_assert_cmphex (system->cr0 & 0x80000001, ==, is_long ? 0x80000001 : 1);
  g_assert_cmphex (system->cr3, ==, is_long ? entry.cr3 : 0);
  g_assert_cmphex (system->cr4, ==, is_long ? 0x20 : 0);
  g_assert_cmphex (system->efer, ==, is_long ? 0x500 : 0);
}

static void
test_sets_boot_msrs (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 2);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (VpState) state = NULL;

      g_assert_true (vmm_kvm_vp_set_boot_msrs (bare_kvm_vp (bare, i), &error));
      g_assert_no_error (error);
      state = bare_kvm_save_vp (bare, i);
      g_assert_cmphex (msr_of (state, MSR_MISC_ENABLE) & 1, ==, 1);
      g_assert_cmphex (msr_of (state, MSR_MTRR_DEF_TYPE), ==, 0x806);
    }
}

static void
test_enters_long_mode (void)
{
  check_entry (VMM_BOOT_LONG_MODE);
}

static void
test_enters_protected_mode (void)
{
  check_entry (VMM_BOOT_PVH);
}

static guint64
get_tsc (BareKvm *bare, guint index)
{
  g_autoptr (GError) error = NULL;
  guint64 tsc = 0;

  g_assert_true (vmm_kvm_vp_get_tsc (bare_kvm_vp (bare, index), &tsc, &error));
  g_assert_no_error (error);
  return tsc;
}

/*
 * A KVM without hardware virtualization takes any value, and shows the host's counter all the same; one on a host whose
 * counter is not stable sets that of a VP that does not run back again.
 */
static gboolean
host_can_set_tsc (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  struct
  {
    struct kvm_msrs header;
    struct kvm_msr_entry entry;
  } msrs = { .header.nmsrs = 1, .entry = { .index = MSR_TSC, .data = TSC_STEP } };
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (vmm_kvm_ioctl (bare_kvm_vp (bare, 0)->fd, KVM_SET_MSRS, &msrs, "set", &error), ==, 1);
  g_assert_no_error (error);
  return bare_kvm_tsc_is_near (get_tsc (bare, 0), TSC_STEP);
}

static gboolean
get_tsc_offset (BareKvm *bare, guint index, guint64 *offset)
{
  struct kvm_device_attr attribute = {
    .group = KVM_VCPU_TSC_CTRL,
    .attr = KVM_VCPU_TSC_OFFSET,
    .addr = (guintptr) offset,
  };

  return ioctl (bare_kvm_vp (bare, index)->fd, KVM_GET_DEVICE_ATTR, &attribute) == 0;
}

/* whether there is an offset that stays as it was set; where the host's counter is not stable it does not */
static gboolean
has_steady_offset (BareKvm *bare)
{
  guint64 one = 0, two = 0;

  return get_tsc_offset (bare, 0, &one) && get_tsc_offset (bare, 0, &two) && one == two;
}

static void
test_moves_tsc (void)
{
  gboolean can_set = host_can_set_tsc ();
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  guint64 before = get_tsc (bare, 0);
  gboolean is_exact = can_set && has_steady_offset (bare);
  guint64 offset_before = 0, offset_after = 0;
  g_autoptr (GError) error = NULL;

  g_assert_true (!is_exact || get_tsc_offset (bare, 0, &offset_before));
  g_assert_true (vmm_kvm_vp_move_tsc (bare_kvm_vp (bare, 0), TSC_STEP, &error));
  g_assert_no_error (error);
  g_assert_true (bare_kvm_tsc_is_near (get_tsc (bare, 0), can_set ? before + TSC_STEP : before));
  if (is_exact)
    {
      g_assert_true (get_tsc_offset (bare, 0, &offset_after));
      g_assert_cmpuint (offset_after - offset_before, ==, TSC_STEP);
    }
  g_assert_true (vmm_kvm_vp_move_tsc (bare_kvm_vp (bare, 0), -(gint64) TSC_STEP, &error));
  g_assert_no_error (error);
  g_assert_true (bare_kvm_tsc_is_near (get_tsc (bare, 0), before));
}

/* without offsets the counter itself is set */
static void
test_moves_tsc_on_older_kernel (void)
{
  gboolean can_set = host_can_set_tsc ();
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 2);
  VmmKvmHost older = *bare->kvm->host;
  guint64 before = get_tsc (bare, 0);
  g_autoptr (GError) error = NULL;

  older.has_tsc_offset = FALSE;
  bare->kvm->host = &older;
  g_assert_true (vmm_kvm_vp_move_tsc (bare_kvm_vp (bare, 0), TSC_STEP, &error));
  g_assert_no_error (error);
  g_assert_true (bare_kvm_tsc_is_near (get_tsc (bare, 0), can_set ? before + TSC_STEP : before));
  g_assert_true (vmm_kvm_vp_copy_tsc_offset (bare_kvm_vp (bare, 1), bare_kvm_vp (bare, 0), &error));
  g_assert_no_error (error);
}

static void
test_copies_tsc_offset (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 2);
  gboolean can_set = host_can_set_tsc ();
  gboolean is_exact = can_set && has_steady_offset (bare);
  g_autoptr (GError) error = NULL;
  guint64 one = 0, two = 0;
  gboolean has_offset = get_tsc_offset (bare, 0, &one);

  g_assert_true (vmm_kvm_vp_move_tsc (bare_kvm_vp (bare, 0), TSC_STEP, &error));
  g_assert_no_error (error);
  g_assert_true (vmm_kvm_vp_copy_tsc_offset (bare_kvm_vp (bare, 1), bare_kvm_vp (bare, 0), &error));
  g_assert_no_error (error);
  if (is_exact)
    {
      g_assert_true (get_tsc_offset (bare, 0, &one) && get_tsc_offset (bare, 1, &two));
      g_assert_cmphex (one, ==, two);
    }
  g_assert_cmpint (bare_kvm_tsc_is_near (get_tsc (bare, 0), get_tsc (bare, 1)), ==, has_offset || !can_set);
}

/* The guest is told when it next looks at its clock; one that has no such clock has nobody to tell. */
static void
test_tells_guest_it_was_paused (void)
{
  static const guint8 code[] = { 0xee, 0xee, 0xee }; /* out dx, al */
  g_autoptr (BareKvm) bare = enter (code, sizeof code);
  struct
  {
    struct kvm_msrs header;
    struct kvm_msr_entry entry;
  } msrs = { .header.nmsrs = 1, .entry = { .index = MSR_KVM_SYSTEM_TIME, .data = PVCLOCK_GPA | 1 } };
  g_autoptr (GError) error = NULL;
  guint8 flags = 0;

  vmm_kvm_vp_tell_paused (bare_kvm_vp (bare, 0));
  run_to (bare, VMM_KVM_EXIT_PIO, TRUE, 0, 1);
  g_assert_cmpint (vmm_kvm_ioctl (bare_kvm_vp (bare, 0)->fd, KVM_SET_MSRS, &msrs, "set", &error), ==, 1);
  run_to (bare, VMM_KVM_EXIT_PIO, TRUE, 0, 1);
  g_assert_true (vmm_memory_read (bare->memory, PVCLOCK_GPA + PVCLOCK_FLAGS, &flags, 1, &error));
  g_assert_cmphex (flags & PVCLOCK_GUEST_STOPPED, ==, 0);
  vmm_kvm_vp_tell_paused (bare_kvm_vp (bare, 0));
  run_to (bare, VMM_KVM_EXIT_PIO, TRUE, 0, 1);
  g_assert_true (vmm_memory_read (bare->memory, PVCLOCK_GPA + PVCLOCK_FLAGS, &flags, 1, &error));
  g_assert_no_error (error);
  g_assert_cmphex (flags & PVCLOCK_GUEST_STOPPED, ==, PVCLOCK_GUEST_STOPPED);
}

static void
test_refuses_same_index_twice (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (GError) error = NULL;

  g_assert_null (vmm_kvm_vp_new (bare->kvm, 0, 1, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "make a virtual processor"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/kvm-vp/exits/port-io", test_port_io);
  g_test_add_func ("/vmm/kvm-vp/exits/memory-mapped-io", test_memory_mapped_io);
  g_test_add_func ("/vmm/kvm-vp/exits/string-io", test_string_io);
  g_test_add_func ("/vmm/kvm-vp/exits/triple-fault", test_triple_fault);
  g_test_add_func ("/vmm/kvm-vp/exits/tells-why-it-cannot-go-on", test_tells_why_it_cannot_go_on);
  g_test_add_func ("/vmm/kvm-vp/immediate-exit/finishes-port-read", test_immediate_exit_finishes_port_read);
  g_test_add_func ("/vmm/kvm-vp/immediate-exit/finishes-memory-read",
                   test_immediate_exit_finishes_memory_read);
  g_test_add_func ("/vmm/kvm-vp/immediate-exit/before-first-instruction",
                   test_immediate_exit_before_first_instruction);
  g_test_add_func ("/vmm/kvm-vp/kick/while-in-guest", test_kick_while_in_guest);
  g_test_add_func ("/vmm/kvm-vp/kick/while-halted", test_kick_while_halted);
  g_test_add_func ("/vmm/kvm-vp/sets-boot-msrs", test_sets_boot_msrs);
  g_test_add_func ("/vmm/kvm-vp/enters-long-mode", test_enters_long_mode);
  g_test_add_func ("/vmm/kvm-vp/enters-protected-mode", test_enters_protected_mode);
  g_test_add_func ("/vmm/kvm-vp/moves-tsc", test_moves_tsc);
  g_test_add_func ("/vmm/kvm-vp/moves-tsc-on-older-kernel", test_moves_tsc_on_older_kernel);
  g_test_add_func ("/vmm/kvm-vp/copies-tsc-offset", test_copies_tsc_offset);
  g_test_add_func ("/vmm/kvm-vp/tells-guest-it-was-paused", test_tells_guest_it_was_paused);
  g_test_add_func ("/vmm/kvm-vp/refuses-same-index-twice", test_refuses_same_index_twice);
  return g_test_run ();
}
