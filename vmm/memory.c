/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Guest RAM is one mapping of one file, so that an offset in the file and an offset from `host` are the same number,
 * and the hole below 4 GiB exists for the guest only. What lies over it after a restore through a chain, pieces of
 * younger snapshots' files, is found at that same number, too.
 *
 * The mapping starts on a 1 GiB boundary: a flip then moves the page tables of the old view aside whole. The old
 * mapping keeps the range ours until the new one lies there, so no other thread's mmap can land in between.
 *
 * The VMM reaches guest memory through the kernel (process_vm_readv and its sibling) and not by a pointer: where the
 * file system cannot give a page any more, a load through a pointer is a SIGBUS that takes every VM along, and a
 * system call is an error.
 */

#include "config.h"
#include "vmm/memory.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <fcntl.h>
#include <unistd.h>

#include "vmm/fd.h"
#include "vmm/file-ops.h"
#include "vmm/memory-file.h"
#include "vmm/memory-place.h"

struct _VmmMemory
{
  guint64 size;
  int fd;          /* what the view shows; -1 for anonymous RAM */
  gboolean shared; /* writes of the guest reach the file */
  char *name;      /* path of the RAM file while it is ours, or NULL */

  VmmMemoryRegion regions[2]; /* the first one begins where the view does */
  guint n_regions;

  VmmPageSet *written; /* where our writes are noted; NULL for nowhere */

  VmmPageSet *overlaid; /* pages that another file is mapped at; NULL for none */
  GArray *cuts;         /* of guint64, bytes: where one mapping ends and the next begins; NULL for nowhere */

  guint8 *aside; /* where the old view goes, or is; NULL while there is no such place */
};

/* guest RAM holds the guest's secrets, and would make every core file as big as all VMs */
static void
keep_out_of_core_files (guint8 *host, guint64 size)
{
  (void) madvise (host, size, MADV_DONTDUMP);
}

static int
view_flags (int fd, gboolean shared)
{
  return (shared ? MAP_SHARED : MAP_PRIVATE) | (fd < 0 ? MAP_ANONYMOUS : 0);
}

/* lays a view over what is there */
static gboolean
map_view (guint8 *host, guint64 size, int fd, guint64 offset, gboolean shared, GError **error)
{
  int flags = MAP_FIXED | MAP_NORESERVE | view_flags (fd, shared);

  if (mmap (host, size, PROT_READ | PROT_WRITE, flags, fd, (off_t) offset) == MAP_FAILED)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_HOST,
                   "cannot map %" G_GUINT64_FORMAT " bytes of guest RAM: %s",
                   size,
                   g_strerror (errno));
      return FALSE;
    }
  keep_out_of_core_files (host, size);
  return TRUE;
}

static void
lay_out_regions (VmmMemory *memory, guint8 *host)
{
  guint64 low = MIN (memory->size, VMM_MEMORY_HOLE_START);

  memory->regions[0] = (VmmMemoryRegion){ .gpa = 0, .file_offset = 0, .length = low, .host = host };
  memory->n_regions = 1;
  if (memory->size > low)
    {
      memory->regions[1] = (VmmMemoryRegion){
        .gpa = VMM_MEMORY_HOLE_END,
        .file_offset = low,
        .length = memory->size - low,
        .host = host + low,
      };
      memory->n_regions = 2;
    }
}

/* Takes @fd over, -1 for anonymous. */
static VmmMemory *
memory_new (int fd, guint64 size, gboolean shared, GError **error)
{
  g_autoptr (VmmMemory) memory = g_new0 (VmmMemory, 1);
  guint8 *host;

  memory->size = size;
  memory->fd = fd;
  memory->shared = shared;
  host = vmm_memory_place_map (size, PROT_READ | PROT_WRITE, view_flags (fd, shared), fd, error);
  if (host == NULL)
    return NULL;
  keep_out_of_core_files (host, size);
  lay_out_regions (memory, host);
  return g_steal_pointer (&memory);
}

VmmMemory *
vmm_memory_new (const VmmConfig *config, GError **error)
{
  VmmMemory *memory;
  int fd = -1;

  if (!vmm_memory_file_check_room (config, error))
    return NULL;
  if (config->memory_backing != VMM_MEMORY_BACKING_ANONYMOUS)
    {
      fd = vmm_memory_file_open (config, error);
      if (fd < 0)
        return NULL;
    }
  memory = memory_new (fd, config->memory_size, fd >= 0, error);
  if (memory != NULL)
    memory->name = g_strdup (config->memory_file);
  return memory;
}

static int
duplicate (int fd, GError **error)
{
  int copy = fcntl (fd, F_DUPFD_CLOEXEC, 0);

  if (copy < 0)
    g_set_error (error, VMM_ERROR, VMM_ERROR_HOST, "cannot duplicate a descriptor: %s", g_strerror (errno));
  return copy;
}

VmmMemory *
vmm_memory_new_private (int fd, guint64 size, GError **error)
{
  int copy = duplicate (fd, error);

  return copy >= 0 ? memory_new (copy, size, FALSE, error) : NULL;
}

VmmMemory *
vmm_memory_new_blank (guint64 size, GError **error)
{
  return memory_new (-1, size, FALSE, error);
}

gboolean
vmm_memory_show (VmmMemory *memory, int fd, GError **error)
{
  g_return_val_if_fail (!memory->shared && memory->fd < 0, FALSE);

  memory->fd = duplicate (fd, error);
  return memory->fd >= 0 && map_view (memory->regions[0].host, memory->size, memory->fd, 0, FALSE, error);
}

static void
forget_overlays (VmmMemory *memory)
{
  g_clear_pointer (&memory->overlaid, vmm_page_set_free);
  g_clear_pointer (&memory->cuts, g_array_unref);
}

void
vmm_memory_free (VmmMemory *memory)
{
  if (memory == NULL)
    return;
  vmm_memory_drop_aside (memory);
  if (memory->n_regions > 0)
    munmap (memory->regions[0].host, memory->size);
  if (memory->fd >= 0)
    close (memory->fd);
  forget_overlays (memory);
  g_free (memory->name);
  g_free (memory);
}

guint64
vmm_memory_get_size (VmmMemory *memory)
{
  return memory->size;
}

const VmmMemoryRegion *
vmm_memory_get_regions (VmmMemory *memory, guint *n_regions)
{
  *n_regions = memory->n_regions;
  return memory->regions;
}

gboolean
vmm_memory_get_shared (VmmMemory *memory)
{
  return memory->shared;
}

int
vmm_memory_get_fd (VmmMemory *memory)
{
  return memory->fd;
}

gboolean
vmm_memory_check_file (VmmMemory *memory, GError **error)
{
  struct stat st;

  if (memory->fd < 0)
    return TRUE;
  if (vmm_file_ops_stat (NULL, memory->fd, "RAM", &st) < 0)
    {
      vmm_file_ops_set_error (error, errno, "look at", NULL, "the file under RAM");
      return FALSE;
    }
  if ((guint64) st.st_size >= memory->size)
    return TRUE;
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_HOST,
               "the file under RAM has %" G_GUINT64_FORMAT " bytes, expected %" G_GUINT64_FORMAT
               ": something else has cut it, and what RAM held beyond is lost",
               (guint64) st.st_size,
               memory->size);
  return FALSE;
}

static guint8 *
translate (VmmMemory *memory, guint64 gpa, gsize length, GError **error)
{
  for (guint i = 0; i < memory->n_regions; i++)
    {
      const VmmMemoryRegion *region = &memory->regions[i];

      if (gpa >= region->gpa && gpa - region->gpa <= region->length &&
          length <= region->length - (gpa - region->gpa))
        return region->host + (gpa - region->gpa);
    }
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_BAD_ADDRESS,
               "%zu bytes at guest address 0x%" G_GINT64_MODIFIER "x are not all in RAM (%" G_GUINT64_FORMAT
               " bytes)",
               length,
               gpa,
               memory->size);
  return NULL;
}

static void
note (VmmMemory *memory, const guint8 *guest, guint64 length)
{
  if (memory->written != NULL)
    vmm_page_set_add_bytes (memory->written, (guint64) (guest - memory->regions[0].host), length);
}

void
vmm_memory_note_writes (VmmMemory *memory, VmmPageSet *written)
{
  memory->written = written;
}

typedef ssize_t (*CopyFunc) (pid_t, const struct iovec *, gulong, const struct iovec *, gulong, gulong);

static gboolean
copy (CopyFunc func, gpointer ours, guint8 *guest, gsize length, GError **error)
{
  gsize done = 0;

  while (done < length)
    {
      struct iovec local = { (guint8 *) ours + done, length - done };
      struct iovec remote = { guest + done, length - done };
      ssize_t n = func (getpid (), &local, 1, &remote, 1, 0);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          g_set_error (error,
                       VMM_ERROR,
                       VMM_ERROR_HOST,
                       "guest RAM cannot be reached: %s (is the file system of the RAM file full?)",
                       g_strerror (errno));
          return FALSE;
        }
      done += n;
    }
  return TRUE;
}

gboolean
vmm_memory_read (VmmMemory *memory, guint64 gpa, gpointer buffer, gsize length, GError **error)
{
  guint8 *host = translate (memory, gpa, length, error);

  return host != NULL && copy (process_vm_readv, buffer, host, length, error);
}

gboolean
vmm_memory_read_view (VmmMemory *memory, guint64 offset, gpointer buffer, gsize length, GError **error)
{
  g_return_val_if_fail (offset <= memory->size && length <= memory->size - offset, FALSE);

  return copy (process_vm_readv, buffer, memory->regions[0].host + offset, length, error);
}

gboolean
vmm_memory_write (VmmMemory *memory, guint64 gpa, gconstpointer buffer, gsize length, GError **error)
{
  guint8 *host = translate (memory, gpa, length, error);

  if (host == NULL)
    return FALSE;
  note (memory, host, length);
  return copy (process_vm_writev, (gpointer) buffer, host, length, error);
}

/* through the kernel, too: see above */
static gboolean
read_into (guint8 *host, int fd, guint64 offset, guint64 length, GError **error)
{
  guint64 done = 0;

  while (done < length)
    {
      ssize_t n = pread (fd, host + done, length - done, offset + done);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          g_set_error (error,
                       VMM_ERROR,
                       VMM_ERROR_HOST,
                       "reading %" G_GUINT64_FORMAT " bytes at offset %" G_GUINT64_FORMAT
                       " into guest RAM stopped after %" G_GUINT64_FORMAT ": %s",
                       length,
                       offset,
                       done,
                       n == 0 ? "end of file" : g_strerror (errno));
          return FALSE;
        }
      done += n;
    }
  return TRUE;
}

gboolean
vmm_memory_write_from_file (VmmMemory *memory,
                            guint64 gpa,
                            int fd,
                            guint64 offset,
                            gsize length,
                            GError **error)
{
  guint8 *host = translate (memory, gpa, length, error);

  if (host == NULL)
    return FALSE;
  note (memory, host, length);
  return read_into (host, fd, offset, length, error);
}

gboolean
vmm_memory_write_at_offset (VmmMemory *memory, guint64 offset, int fd, guint64 length, GError **error)
{
  g_return_val_if_fail (offset <= memory->size && length <= memory->size - offset, FALSE);
  note (memory, memory->regions[0].host + offset, length);
  return read_into (memory->regions[0].host + offset, fd, offset, length, error);
}

gboolean
vmm_memory_zero (VmmMemory *memory, guint64 gpa, gsize length, GError **error)
{
  static const guint8 zeros[64 * 1024];
  guint8 *host = translate (memory, gpa, length, error);

  if (host == NULL)
    return FALSE;
  note (memory, host, length);
  for (gsize done = 0; done < length; done += sizeof zeros)
    if (!copy (process_vm_writev, (gpointer) zeros, host + done, MIN (sizeof zeros, length - done), error))
      return FALSE;
  return TRUE;
}

gboolean
vmm_memory_overlay (VmmMemory *memory, guint64 offset, int fd, guint64 length, GError **error)
{
  guint64 end = offset + length;

  g_return_val_if_fail (!memory->shared && memory->fd >= 0, FALSE);
  g_return_val_if_fail (offset <= memory->size && length <= memory->size - offset, FALSE);

  if (!map_view (memory->regions[0].host + offset, length, fd, offset, FALSE, error))
    return FALSE;
  if (memory->overlaid == NULL)
    {
      memory->overlaid = vmm_page_set_new (memory->size);
      memory->cuts = g_array_new (FALSE, FALSE, sizeof (guint64));
    }
  vmm_page_set_add_bytes (memory->overlaid, offset, length);
  g_array_append_val (memory->cuts, offset);
  g_array_append_val (memory->cuts, end);
  return TRUE;
}

const VmmPageSet *
vmm_memory_get_overlaid (VmmMemory *memory)
{
  return memory->overlaid;
}

gboolean
vmm_memory_prepare_flip (VmmMemory *memory, GError **error)
{
  if (memory->aside == NULL)
    memory->aside = vmm_memory_place_map (memory->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, error);
  if (memory->aside == NULL)
    return FALSE;
  vmm_memory_zap (memory);
  return TRUE;
}

static gint
compare_cuts (gconstpointer a, gconstpointer b)
{
  guint64 first = *(const guint64 *) a;
  guint64 second = *(const guint64 *) b;

  return first < second ? -1 : first > second;
}

/* Moves a view from one place to the other, a mapping at a time. Returns how many bytes of it were moved. */
static guint64
move_view (VmmMemory *memory, const guint8 *from, guint8 *to, guint64 size, int flags)
{
  guint n_cuts = memory->cuts != NULL ? memory->cuts->len : 0;
  guint64 start = 0;

  for (guint i = 0; i <= n_cuts && start < size; i++)
    {
      guint64 end = i < n_cuts ? MIN (g_array_index (memory->cuts, guint64, i), size) : size;
      guint64 length = end - start;

      if (length > 0 && mremap ((gpointer) (from + start),
                                length,
                                length,
                                MREMAP_MAYMOVE | MREMAP_FIXED | flags,
                                to + start) == MAP_FAILED)
        return start;
      start = end;
    }
  return start;
}

/*
 * What was moved back, or what a move that failed has taken away, is nobody's: other RAM may be mapped there before
 * this is dropped.
 */
static gboolean
claim_aside (VmmMemory *memory, guint64 length)
{
  return mmap (memory->aside,
               length,
               PROT_NONE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
               -1,
               0) == memory->aside;
}

static void
move_back (VmmMemory *memory, guint64 length)
{
  (void) move_view (memory, memory->aside, memory->regions[0].host, length, 0);
  if (!claim_aside (memory, length))
    memory->aside = NULL;
}

static gboolean
move_aside (VmmMemory *memory)
{
  guint8 *host = memory->regions[0].host;
  guint64 moved;

  if (memory->cuts != NULL)
    g_array_sort (memory->cuts, compare_cuts);
  moved = move_view (memory, host, memory->aside, memory->size, MREMAP_DONTUNMAP);
  if (moved == memory->size)
    return TRUE;
  if (moved > 0)
    move_back (memory, moved);
  else
    (void) claim_aside (memory, memory->size); /* mostly it is ours still */
  return FALSE;
}

gboolean
vmm_memory_flip (VmmMemory *memory, int fd, GError **error)
{
  VMM_AUTO_FD int replacement = -1;
  guint8 *host = memory->regions[0].host;
  gboolean moved;

  g_return_val_if_fail (memory->aside != NULL, FALSE);
  if (fd >= 0)
    {
      replacement = duplicate (fd, error);
      if (replacement < 0)
        return FALSE;
    }

  /*
   * kernels before 5.13 move only anonymous views this way; laying the new view over the old one is slower, and as
   * right
   */
  moved = move_aside (memory);
  if (!map_view (host, memory->size, fd >= 0 ? replacement : memory->fd, 0, FALSE, error))
    {
      if (moved)
        move_back (memory, memory->size);
      return FALSE;
    }
  forget_overlays (memory);
  if (fd >= 0)
    {
      if (memory->fd >= 0)
        close (memory->fd);
      memory->fd = vmm_fd_steal (&replacement);
    }
  memory->shared = FALSE;
  return TRUE;
}

void
vmm_memory_drop_aside (VmmMemory *memory)
{
  if (memory->aside != NULL)
    munmap (memory->aside, memory->size);
  memory->aside = NULL;
}

static gboolean
drop_range (VmmMemory *memory, guint64 offset, guint64 length, GError **error)
{
  guint8 *host = memory->regions[0].host + offset;

  if (length == 0 || madvise (host, length, MADV_DONTNEED) == 0)
    return TRUE;
  /* locked memory, for one, is not dropped by advice; a fresh view is slower, and as right */
  return map_view (host, length, memory->fd, offset, FALSE, error);
}

gboolean
vmm_memory_drop_changes (VmmMemory *memory, guint64 kept_gpa, GError **error)
{
  guint64 above = kept_gpa + VMM_PAGE_SIZE;

  g_return_val_if_fail (!memory->shared && memory->fd >= 0 && memory->overlaid == NULL, FALSE);
  g_return_val_if_fail (kept_gpa % VMM_PAGE_SIZE == 0 && above <= memory->regions[0].length, FALSE);

  /* the larger part first: where the kernel can drop that, it can drop the rest of the same mapping */
  return drop_range (memory, above, memory->size - above, error) && drop_range (memory, 0, kept_gpa, error);
}

void
vmm_memory_give_file_away (VmmMemory *memory)
{
  if (memory->name != NULL)
    vmm_memory_file_remove_name (memory->fd, memory->name);
  g_clear_pointer (&memory->name, g_free);
}
