/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The input is a kernel, of either kind. One that is accepted can be loaded, and leaves the rest of RAM to others. */

#include "config.h"
#include "tests/fuzz/fuzz.h"

#include <sys/mman.h>

#include "vmm/boot.h"
#include "vmm/fd.h"

#define RSDP_GPA 0xe0000u

/* a name for a file of these bytes that has none */
static char *
name_file (int fd, const guint8 *data, gsize size)
{
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, data, size), ==, (gssize) size);
  return g_strdup_printf ("/proc/self/fd/%d", fd);
}

static VmmMemory *
memory_new (const VmmConfig *config)
{
  g_autoptr (GError) error = NULL;
  VmmMemory *memory = vmm_memory_new (config, &error);

  g_assert_no_error (error);
  return memory;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  VMM_AUTO_FD int kernel_fd = memfd_create ("kernel", MFD_CLOEXEC);
  VMM_AUTO_FD int initrd_fd = memfd_create ("initrd", MFD_CLOEXEC);
  g_autoptr (VmmConfig) config = vmm_config_new ();
  g_autoptr (VmmMemory) memory = NULL;
  g_autoptr (VmmBoot) boot = NULL;
  g_autoptr (GError) error = NULL;
  VmmBootEntry entry;

  config->name = g_strdup ("fuzz");
  config->memory_size = VMM_MEMORY_SIZE_MIN;
  config->memory_backing = VMM_MEMORY_BACKING_ANONYMOUS;
  config->kernel = name_file (kernel_fd, data, size);
  config->initrd = name_file (initrd_fd, (const guint8 *) "initrd", 6);
  config->cmdline = g_strdup ("console=ttyS0");
  boot = vmm_boot_open (config, &error);
  g_assert_true ((boot == NULL) == (error != NULL));
  if (boot == NULL)
    return 0;
  memory = memory_new (config);
  g_assert_true (vmm_boot_load (boot, memory, RSDP_GPA, &entry, &error));
  g_assert_no_error (error);
  return 0;
}
