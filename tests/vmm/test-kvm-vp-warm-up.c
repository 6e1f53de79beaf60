/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/kvm-private.h"

#include <signal.h>
#include <sys/ioctl.h>

#include "tests/vmm/bare-kvm.h"
#include "tests/vmm/tiny-machine.h"

#define SIGNAL SIGUSR1
#define PORT 0x510u
#define WORD_GPA 0x20000u
#define NOT_MAPPED_BY_RAM_FILLER (1ull << 38)

typedef Openvmm__X86__VpState VpState;

static void
free_state (VpState *state)
{
  openvmm__x86__vp_state__free_unpacked (state, NULL);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpState, free_state)

static const guint8 writer[] = {
  0xb8, 0x78, 0x56, 0x34, 0x12, /* mov eax, 0x12345678 */
  0xa3, 0x00, 0x00, 0x02, 0x00, /* mov [WORD_GPA], eax */
  0x66, 0xba, 0x10, 0x05,       /* mov dx, PORT */
  0xee,                         /* out dx, al */
};

static BareKvm *
enter_writer (void)
{
  BareKvm *bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);

  bare_kvm_enter (bare, writer, sizeof writer);
  return bare;
}

static void
on_signal (int signal_number)
{
}

static void
set_up_signal (int how)
{
  struct sigaction action = { .sa_handler = on_signal };
  sigset_t signals;

  g_assert_cmpint (sigaction (SIGNAL, &action, NULL), ==, 0);
  sigemptyset (&signals);
  sigaddset (&signals, SIGNAL);
  g_assert_cmpint (pthread_sigmask (how, &signals, NULL), ==, 0);
}

static gboolean
is_pending (void)
{
  sigset_t pending;

  g_assert_cmpint (sigpending (&pending), ==, 0);
  return sigismember (&pending, SIGNAL);
}

static void
warm_up (BareKvm *bare)
{
  g_autoptr (GError) error = NULL;

  set_up_signal (SIG_BLOCK);
  g_assert_true (vmm_kvm_vp_warm_up (bare_kvm_vp (bare, 0), SIGNAL, &error));
  g_assert_no_error (error);
}

static guint32
get_word (BareKvm *bare)
{
  g_autoptr (GError) error = NULL;
  guint32 word;

  g_assert_true (vmm_memory_read (bare->memory, WORD_GPA, &word, sizeof word, &error));
  g_assert_no_error (error);
  return word;
}

static void
check_runs_to_port (BareKvm *bare)
{
  VmmKvmExit exit;

  vmm_kvm_vp_run (bare_kvm_vp (bare, 0), &exit);
  g_assert_cmpint (exit.kind, ==, VMM_KVM_EXIT_PIO);
  g_assert_cmphex (exit.address, ==, PORT);
  g_assert_cmphex (get_word (bare), ==, 0x12345678);
}

static void
test_runs_nothing (void)
{
  g_autoptr (BareKvm) bare = enter_writer ();
  g_autoptr (VpState) state = NULL;

  warm_up (bare);
  g_assert_false (is_pending ());
  state = bare_kvm_save_vp (bare, 0);
  g_assert_cmphex (state->registers->rip, ==, BARE_KVM_CODE);
  g_assert_cmphex (state->registers->rax, ==, 0);
  g_assert_cmphex (get_word (bare), ==, 0);
  check_runs_to_port (bare);
}

/* one that the thread has blocked ends no run from then on */
static void
test_leaves_signals_as_they_were (void)
{
  g_autoptr (BareKvm) bare = enter_writer ();

  warm_up (bare);
  g_assert_cmpint (raise (SIGNAL), ==, 0);
  check_runs_to_port (bare);
  g_assert_true (is_pending ());
  set_up_signal (SIG_UNBLOCK);
  g_assert_false (is_pending ());
}

static void
test_says_that_the_guest_ran (void)
{
  g_autoptr (BareKvm) bare = enter_writer ();
  g_autoptr (GError) error = NULL;

  set_up_signal (SIG_UNBLOCK); /* so it is not pending any more when the VP runs */
  g_assert_false (vmm_kvm_vp_warm_up (bare_kvm_vp (bare, 0), SIGNAL, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "VP 0"));
}

static void
test_says_that_kvm_refuses (void)
{
  g_autoptr (BareKvm) bare = enter_writer ();
  VmmKvmVp *vp = bare_kvm_vp (bare, 0);
  g_autoptr (GError) error = NULL;
  int fd = vp->fd;
  guint64 gpa;

  set_up_signal (SIG_BLOCK);
  vp->fd = bare->kvm->fd; /* a descriptor that has none of these calls */
  g_assert_false (vmm_kvm_vp_warm_up (vp, SIGNAL, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_false (vmm_kvm_vp_find_code (vp, &gpa));
  vp->fd = fd;
  check_runs_to_port (bare);
}

static void
test_finds_code_without_paging (void)
{
  g_autoptr (BareKvm) bare = enter_writer ();
  guint64 gpa;

  g_assert_true (vmm_kvm_vp_find_code (bare_kvm_vp (bare, 0), &gpa));
  g_assert_cmphex (gpa, ==, BARE_KVM_CODE);
}

static void
test_finds_code_through_page_tables (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("ram-filler", NULL);
  VmmKvmVp *vp = vmm_vp_get_kvm (g_ptr_array_index (tiny->machine->vps, 0));
  struct kvm_regs regs;
  guint64 gpa;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 1);
  tiny_machine_pause (tiny);
  g_assert_cmpint (ioctl (vp->fd, KVM_GET_REGS, &regs), ==, 0);
  g_assert_true (vmm_kvm_vp_find_code (vp, &gpa));
  g_assert_cmphex (gpa, ==, regs.rip); /* it maps all of RAM at its own address */

  regs.rip = NOT_MAPPED_BY_RAM_FILLER;
  g_assert_cmpint (ioctl (vp->fd, KVM_SET_REGS, &regs), ==, 0);
  g_assert_false (vmm_kvm_vp_find_code (vp, &gpa));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/vmm/kvm-vp-warm-up/runs-nothing", test_runs_nothing);
  g_test_add_func ("/vmm/kvm-vp-warm-up/leaves-signals-as-they-were", test_leaves_signals_as_they_were);
  g_test_add_func ("/vmm/kvm-vp-warm-up/says-that-the-guest-ran", test_says_that_the_guest_ran);
  g_test_add_func ("/vmm/kvm-vp-warm-up/says-that-kvm-refuses", test_says_that_kvm_refuses);
  g_test_add_func ("/vmm/kvm-vp-warm-up/finds-code/without-paging", test_finds_code_without_paging);
  g_test_add_func ("/vmm/kvm-vp-warm-up/finds-code/through-page-tables", test_finds_code_through_page_tables);
  return g_test_run ();
}
