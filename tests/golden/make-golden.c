/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * make-golden DIRECTORY: makes the snapshots that later programs must restore for ever, on /dev/kvm.
 *
 * They shall restore on every host. So this host is made to say less of itself than it could, by a function that the
 * linker puts in the place of ioctl(): a processor that has what all x86-64 processors have, the model-specific
 * registers that Intel's and AMD's share, and no rate of the time-stamp counter. The snapshots are what the VMM makes
 * on such a host, and nothing in them is changed afterwards.
 *
 * DIRECTORY and the guest's path, DIRECTORY/notebook.elf, stand in the manifests. For each DIRECTORY/format-N then:
 *
 *   tar --sparse --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C DIRECTORY/format-N -c . |
 *     gzip -9n > format-N.tar.gz
 *
 * Only snapshots of a new format are ever added here. Those there are stay as they are.
 */

#include "config.h"
#include "tests/golden/golden.h"

#include <asm/kvm_para.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include "tests/vmm/notebook.h"
#include "vmm/console.h"
#include "vmm/fd.h"
#include "vmm/machine.h"

#define FEATURES_ECX 0x00002001u /* SSE3, CMPXCHG16B */
#define FEATURES_EDX 0x078bfbffu /* FPU to PGE, MCA, CMOV, PAT, PSE36, CLFLUSH, MMX, FXSR, SSE, SSE2 */
#define EXTENDED_ECX 0x00000001u /* LAHF */
#define EXTENDED_EDX 0x20100800u /* SYSCALL, NX, long mode */
#define ADDRESS_BITS 0x3024u     /* 36 physical, 48 linear */

static const guint32 msrs[] = {
  0x10,       0x1b,       0x174,      0x175,      0x176,      0x277,      0x6e0,      0x4b564d00,
  0x4b564d01, 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000102,
};

static const char model_name[48] = "any x86-64 processor";

static gboolean
show_leaf (struct kvm_cpuid_entry2 *entry)
{
  switch (entry->function)
    {
    case 0:
      entry->eax = 1;
      return TRUE;
    case 1:
      entry->ecx &= FEATURES_ECX;
      entry->edx &= FEATURES_EDX;
      return TRUE;
    case 0x80000000:
      entry->eax = 0x80000008;
      return TRUE;
    case 0x80000001:
      entry->ecx &= EXTENDED_ECX;
      entry->edx &= EXTENDED_EDX;
      return TRUE;
    case 0x80000002:
    case 0x80000003:
    case 0x80000004:
      memcpy (&entry->eax, model_name + (entry->function - 0x80000002) * 16, 16);
      return TRUE;
    case 0x80000008:
      entry->eax = ADDRESS_BITS;
      entry->ebx = entry->ecx = entry->edx = 0;
      return TRUE;
    case KVM_CPUID_SIGNATURE:
      return TRUE;
    case KVM_CPUID_FEATURES:
      entry->eax &= 1u << KVM_FEATURE_CLOCKSOURCE2 | 1u << KVM_FEATURE_CLOCKSOURCE_STABLE_BIT;
      return TRUE;
    default:
      return FALSE;
    }
}

static void
show_leaves (struct kvm_cpuid2 *cpuid)
{
  guint n = 0;

  for (guint i = 0; i < cpuid->nent; i++)
    if (show_leaf (&cpuid->entries[i]))
      cpuid->entries[n++] = cpuid->entries[i];
  cpuid->nent = n;
}

/* the memory types of RAM are not in KVM's list, but are saved: 0x200 to 0x2ff */
static gboolean
has_msr (guint32 index)
{
  for (gsize i = 0; i < G_N_ELEMENTS (msrs); i++)
    if (msrs[i] == index)
      return TRUE;
  return index >= 0x200 && index <= 0x2ff;
}

static void
show_msrs (struct kvm_msr_list *list)
{
  guint n = 0;

  for (guint i = 0; i < list->nmsrs; i++)
    if (has_msr (list->indices[i]))
      list->indices[n++] = list->indices[i];
  list->nmsrs = n;
}

int __real_ioctl (int fd, gulong request, ...);
int __wrap_ioctl (int fd, gulong request, ...);

/* how many of them, from the first on, there are */
static int
read_msrs (int fd, struct kvm_msrs *request)
{
  guint n = 0;

  while (n < request->nmsrs && has_msr (request->entries[n].index))
    n++;
  request->nmsrs = n;
  return n > 0 ? __real_ioctl (fd, KVM_GET_MSRS, request) : 0;
}

int
__wrap_ioctl (int fd, gulong request, ...)
{
  va_list arguments;
  gpointer argument;
  int result;

  va_start (arguments, request);
  argument = va_arg (arguments, gpointer);
  va_end (arguments);

  if (request == KVM_GET_TSC_KHZ)
    return 0;
  if (request == KVM_GET_MSRS)
    return read_msrs (fd, argument);
  result = __real_ioctl (fd, request, argument);
  if (request == KVM_GET_SUPPORTED_CPUID && result >= 0)
    show_leaves (argument);
  if (request == KVM_GET_MSR_INDEX_LIST && result >= 0)
    show_msrs (argument);
  return result;
}

static void
on_event (VmmEvent event, const char *reason, gpointer user_data)
{
  g_error ("the guest has ended: %s", reason);
}

static void
save (VmmMachine *machine, const char *top, const char *path, gboolean incremental)
{
  g_autofree char *directory = g_build_filename (top, path, NULL);
  g_autofree char *parent = g_path_get_dirname (directory);
  g_autoptr (GError) error = NULL;
  const VmmSavePlan plan = {
    .directory = directory,
    .description = incremental ? "incremental" : "complete",
    .incremental = incremental,
  };
  VmmSaveResult result;

  g_assert_cmpint (g_mkdir_with_parents (parent, 0777), ==, 0);
  (void) !vmm_machine_save (machine, &plan, &result, &error);
  g_assert_no_error (error);
}

static void
tell (Notebook *notebook, int console, const char *words)
{
  for (; *words != '\0'; words++)
    notebook_tell (notebook, console, (guint8) *words);
  notebook_assert_known (notebook, console);
}

static void
make_all (VmmMachine *machine, int console, const char *top)
{
  Notebook notebook = { 0 };

  tell (&notebook, console, GOLDEN_COMPLETE);
  save (machine, top, "format-1/complete", FALSE);
  save (machine, top, "format-2/complete", FALSE);
  tell (&notebook, console, GOLDEN_INCREMENTAL);
  save (machine, top, "format-2/incremental", TRUE);
}

int
main (int argc, char **argv)
{
  g_autoptr (VmmConfig) config = vmm_config_new ();
  g_autoptr (GError) error = NULL;
  VmmConsole *console;
  VmmMachine *machine;
  VMM_AUTO_FD int client = -1;
  char first;

  g_assert_cmpint (argc, ==, 2);
  config->name = g_strdup ("golden");
  config->memory_size = VMM_MEMORY_SIZE_MIN;
  config->memory_backing = VMM_MEMORY_BACKING_MEMFD;
  config->kernel = g_build_filename (argv[1], "notebook.elf", NULL);
  console = vmm_console_new (NULL, &error);
  machine = vmm_machine_new (config, console, on_event, NULL, &error);
  g_assert_no_error (error);
  client = vmm_console_open (console, &error);
  g_assert_true (vmm_machine_resume (machine, &error));
  g_assert_no_error (error);
  g_assert_cmpint (read (client, &first, 1), ==, 1);
  make_all (machine, client, argv[1]);
  vmm_machine_free (machine);
  vmm_console_free (console);
  return 0;
}
