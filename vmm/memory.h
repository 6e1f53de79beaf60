/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* memory.h: guest RAM (private) */

#pragma once

#include "vmm/page-set.h"

G_BEGIN_DECLS

#define VMM_PAGE_SIZE 4096u
#define VMM_MEMORY_HOLE_START (3 * 1024 * 1024 * 1024ull) /* guest-physical, bytes */
#define VMM_MEMORY_HOLE_END (4 * 1024 * 1024 * 1024ull)

typedef struct _VmmMemory VmmMemory;

/** VmmMemoryRegion: RAM that is contiguous for the guest; @host is where the VMM sees it. */
typedef struct
{
  guint64 gpa;
  guint64 file_offset; /* in the RAM file, and in memory.bin */
  guint64 length;      /* bytes */
  guint8 *host;
} VmmMemoryRegion;

/**
 * vmm_memory_new:
 * @config: backing, size and file
 *
 * Makes zero-filled RAM, or takes over what the RAM file holds.
 *
 * Errors: INVALID_MEMORY_FILE, MEMORY_FILE_IN_USE, INVALID_MEMORY_SIZE, NO_SPACE, HOST.
 */
VmmMemory *vmm_memory_new (const VmmConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_memory_new_blank:
 *
 * A place for RAM of @size bytes, for vmm_memory_show(). Errors: INVALID_MEMORY_SIZE, HOST.
 */
VmmMemory *vmm_memory_new_blank (guint64 size, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_memory_show:
 * @memory: blank
 * @fd: as of vmm_memory_new_private()
 *
 * Makes it what vmm_memory_new_private() would have made. Thread: none of the guest's runs yet.
 *
 * Errors: %VMM_ERROR_HOST; then @memory is only good to be freed.
 */
gboolean vmm_memory_show (VmmMemory *memory, int fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_memory_new_private:
 * @fd: a file of exactly @size bytes that never changes again; duplicated
 *
 * RAM that starts as @fd is, and whose changes stay with us.
 */
VmmMemory *vmm_memory_new_private (int fd, guint64 size, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void vmm_memory_free (VmmMemory *memory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmMemory, vmm_memory_free)

guint64 vmm_memory_get_size (VmmMemory *memory);

/** vmm_memory_get_regions: (transfer none) (array length=n_regions): one, or two over the 3 GiB hole. */
const VmmMemoryRegion *vmm_memory_get_regions (VmmMemory *memory, guint *n_regions);

/**
 * vmm_memory_read:
 *
 * Copies guest memory out once, so that the guest cannot change what was checked.
 *
 * Thread: any. Errors: %VMM_ERROR_BAD_ADDRESS if the range leaves RAM; then nothing is copied.
 */
gboolean vmm_memory_read (VmmMemory *memory, guint64 gpa, gpointer buffer, gsize length, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_memory_read_view:
 * @offset: in the view, and in the file under it
 *
 * As vmm_memory_read(), by the place in the file and not by the guest's address. A page that the file system cannot
 * give is an error. Thread: any. Errors: HOST.
 */
gboolean vmm_memory_read_view (VmmMemory *memory,
                               guint64 offset,
                               gpointer buffer,
                               gsize length,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_memory_write: as vmm_memory_read(), the other way. */
gboolean vmm_memory_write (VmmMemory *memory, guint64 gpa, gconstpointer buffer, gsize length, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_memory_write_from_file:
 *
 * Fills RAM from @fd at @offset, without a copy in between. A file that ends early is an error.
 *
 * Errors: BAD_ADDRESS, HOST.
 */
gboolean vmm_memory_write_from_file (VmmMemory *memory,
                                     guint64 gpa,
                                     int fd,
                                     guint64 offset,
                                     gsize length,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_memory_write_at_offset:
 * @offset: in the RAM file, and in @fd
 *
 * As vmm_memory_write_from_file(), by the place in the file and not by the guest's address. Thread: none of the
 * guest's runs yet.
 */
gboolean vmm_memory_write_at_offset (VmmMemory *memory,
                                     guint64 offset,
                                     int fd,
                                     guint64 length,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_memory_note_writes:
 * @written: (nullable): set that pages written through the functions above are added to from now on; borrowed
 *
 * What the guest writes itself is in KVM's log of dirty pages, and not here.
 */
void vmm_memory_note_writes (VmmMemory *memory, VmmPageSet *written);

/** vmm_memory_zero: as vmm_memory_write(), with zeros. */
gboolean vmm_memory_zero (VmmMemory *memory, guint64 gpa, gsize length, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/** vmm_memory_get_shared: whether the guest's writes still reach the RAM file: before the first flip. */
gboolean vmm_memory_get_shared (VmmMemory *memory);

/** vmm_memory_get_fd: the file under the view; -1 for anonymous RAM. Belongs to @memory. */
int vmm_memory_get_fd (VmmMemory *memory);

/**
 * vmm_memory_check_file:
 *
 * Whether the file under the view is still as large as RAM. One that was cut has taken along what was private beyond
 * its new end, and looks like one that ends in a hole.
 *
 * Thread: any. Errors: HOST if it is not.
 */
gboolean vmm_memory_check_file (VmmMemory *memory, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_memory_overlay:
 * @offset: in the RAM file, and in @fd; as @length a multiple of the page size
 * @fd: a file that never changes again; may be closed afterwards
 *
 * RAM starts there as @fd is, and no longer as the file under the view. Costs two of the mappings that a process has,
 * until the next flip. RAM is private. Thread: none of the guest's runs yet.
 *
 * Errors: %VMM_ERROR_HOST; then RAM may be read into there instead.
 */
gboolean vmm_memory_overlay (VmmMemory *memory, guint64 offset, int fd, guint64 length, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/** vmm_memory_get_overlaid: (nullable) (transfer none): the pages that are so; %NULL for none. */
const VmmPageSet *vmm_memory_get_overlaid (VmmMemory *memory);

/**
 * vmm_memory_prepare_flip:
 *
 * Does the part of a flip that can be done while the VPs run. Best right before it: what KVM maps in between it lets go
 * of in the flip.
 */
gboolean vmm_memory_prepare_flip (VmmMemory *memory, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_memory_flip:
 * @fd: a file of the same size with the same content that never changes again (duplicated), or -1 for
 *   the RAM file itself
 *
 * Puts a private copy-on-write view of the file in the place of the present view, at the same address. From then
 * on the guest never writes to the file. Nobody may touch guest RAM meanwhile.
 *
 * Errors: %VMM_ERROR_HOST; then the old view is in its place again.
 */
gboolean vmm_memory_flip (VmmMemory *memory, int fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_memory_drop_aside: gives back what a flip moved aside; slow, so after the VPs run again. */
void vmm_memory_drop_aside (VmmMemory *memory);

/**
 * vmm_memory_drop_changes:
 * @kept_gpa: guest-physical address of a page below the hole
 *
 * What was written to a private view is forgotten: RAM is what the file is again, but for the page at @kept_gpa.
 * Nothing lies over the view.
 *
 * Errors: %VMM_ERROR_HOST; then nothing was forgotten.
 */
gboolean vmm_memory_drop_changes (VmmMemory *memory,
                                  guint64 kept_gpa,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_memory_give_file_away:
 *
 * The RAM file has become a snapshot's: its name is removed, so that the VM's next start makes a new one.
 */
void vmm_memory_give_file_away (VmmMemory *memory);

/* ---- memory-populate.c -------------------------------------------------------------------- */

/**
 * vmm_memory_populate:
 * @progress: (nullable): told how far into RAM it has come
 *
 * Reads all that the file behind RAM holds into memory, and maps it, so that the guest need not wait for a page that it
 * reads. Of RAM without a file there is nothing to do.
 *
 * Errors: NOT_SUPPORTED (a kernel before 5.14), CANCELLED, HOST.
 */
gboolean vmm_memory_populate (VmmMemory *memory,
                              VmmProgressFunc progress,
                              gpointer progress_data,
                              GCancellable *cancellable,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_memory_populate_set:
 * @pages: which of RAM
 * @progress: (nullable): told how far into RAM it has come
 *
 * The same of some pages only, which are wanted but not needed: what the host cannot do, or not read, is passed over,
 * and the guest waits for it when it asks for it.
 *
 * Errors: CANCELLED.
 */
gboolean vmm_memory_populate_set (VmmMemory *memory,
                                  const VmmPageSet *pages,
                                  VmmProgressFunc progress,
                                  gpointer progress_data,
                                  GCancellable *cancellable,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_memory_find_populated:
 * @pages: what the file behind RAM holds and our page tables do, too, is added
 *
 * Thread: any, as long as RAM is not flipped. Errors: CANCELLED, HOST.
 */
gboolean vmm_memory_find_populated (VmmMemory *memory,
                                    VmmPageSet *pages,
                                    GCancellable *cancellable,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* ---- memory-zap.c ------------------------------------------------------------------------- */

/**
 * vmm_memory_zap:
 *
 * Has KVM forget what it has mapped of RAM, which VPs that run ask for anew. Our own page tables, and what RAM holds,
 * stay as they are. Where the kernel cannot (before 6.7) nothing happens.
 *
 * Thread: any, as long as RAM is not flipped.
 */
void vmm_memory_zap (VmmMemory *memory);

G_END_DECLS
