/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A record is a cache: whoever cannot use one goes on without it, and makes it anew. So it has one fixed header, and no
 * version but the one in its magic number:
 *
 *   offset   0  8 bytes    "OVMWSET1"
 *            8  36         UUID of the snapshot
 *           44  32         digest of its manifest
 *           76  8          size of RAM, little-endian
 *           84             pages, as vmm_page_set_pack() packs them
 *   at the end  32         SHA-256 of all before
 */

#include "config.h"
#include "vmm/working-set.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "vmm/digest.h"
#include "vmm/fd.h"
#include "vmm/memory.h"

#define MAGIC "OVMWSET1"
#define UUID_LENGTH 36u

typedef struct
{
  char magic[8];
  char uuid[UUID_LENGTH];
  guint8 manifest_sha256[VMM_DIGEST_SIZE];
  guint8 memory_size[8]; /* bytes, so that nothing is to be aligned */
} Header;

G_STATIC_ASSERT (sizeof (Header) == 84);

static void
fill_header (Header *header, const VmmWorkingSetKey *key)
{
  guint64 memory_size = GUINT64_TO_LE (key->memory_size);

  memset (header, 0, sizeof *header);
  memcpy (header->magic, MAGIC, sizeof header->magic);
  memcpy (header->uuid, key->uuid, MIN (strlen (key->uuid), sizeof header->uuid));
  memcpy (header->manifest_sha256,
          g_bytes_get_data (key->manifest_sha256, NULL),
          MIN (g_bytes_get_size (key->manifest_sha256), sizeof header->manifest_sha256));
  memcpy (header->memory_size, &memory_size, sizeof header->memory_size);
}

GBytes *
vmm_working_set_pack (const VmmWorkingSetKey *key, const VmmPageSet *pages)
{
  g_autoptr (GBytes) packed = vmm_page_set_pack (pages);
  GByteArray *record = g_byte_array_new ();
  guint8 digest[VMM_DIGEST_SIZE];
  Header header;

  fill_header (&header, key);
  g_byte_array_append (record, (const guint8 *) &header, sizeof header);
  if (g_bytes_get_size (packed) > 0)
    g_byte_array_append (record, g_bytes_get_data (packed, NULL), (guint) g_bytes_get_size (packed));
  vmm_digest_bytes (record->data, record->len, digest);
  g_byte_array_append (record, digest, sizeof digest);
  return g_byte_array_free_to_bytes (record);
}

static gboolean
set_corrupt (GError **error, const char *what)
{
  g_set_error (error, VMM_ERROR, VMM_ERROR_CORRUPT, "the record of a working set %s", what);
  return FALSE;
}

static gboolean
check_bytes (const guint8 *bytes, gsize size, const VmmWorkingSetKey *key, GError **error)
{
  guint8 digest[VMM_DIGEST_SIZE];
  Header expected;

  if (size < sizeof expected + sizeof digest)
    return set_corrupt (error, "is too short");
  vmm_digest_bytes (bytes, size - sizeof digest, digest);
  if (memcmp (bytes + size - sizeof digest, digest, sizeof digest) != 0)
    return set_corrupt (error, "is damaged: its digest differs");
  fill_header (&expected, key);
  if (memcmp (bytes, &expected, sizeof expected) != 0)
    return set_corrupt (error, "is of another snapshot, or of another version");
  return TRUE;
}

VmmPageSet *
vmm_working_set_unpack (GBytes *bytes, const VmmWorkingSetKey *key, GError **error)
{
  gsize size = g_bytes_get_size (bytes);
  g_autoptr (GBytes) packed = NULL;

  if (!check_bytes (g_bytes_get_data (bytes, NULL), size, key, error))
    return NULL;
  packed = g_bytes_new_from_bytes (bytes, sizeof (Header), size - sizeof (Header) - VMM_DIGEST_SIZE);
  return vmm_page_set_unpack (packed, key->memory_size, error);
}

static gboolean
check_memory_size (const VmmWorkingSetKey *key, GError **error)
{
  if (key->memory_size <= VMM_WORKING_SET_MEMORY_MAX)
    return TRUE;
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_LIMIT_EXCEEDED,
               "RAM of %" G_GUINT64_FORMAT
               " bytes has no record of its working set; the limit is %" G_GUINT64_FORMAT,
               key->memory_size,
               (guint64) VMM_WORKING_SET_MEMORY_MAX);
  return FALSE;
}

static gboolean
write_file (const VmmFileOps *ops, int dirfd, const char *name, GBytes *record)
{
  VMM_AUTO_FD int fd = vmm_file_ops_open (ops, dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);

  return fd >= 0 &&
         vmm_file_ops_write (ops, fd, name, g_bytes_get_data (record, NULL), g_bytes_get_size (record), 0) ==
             0;
}

/* under a name of its own first, as several clones may be recorded at once */
static gboolean
publish (const VmmFileOps *ops, int dirfd, const char *name, GBytes *record)
{
  g_autofree char *temporary = g_strdup_printf (".%s.%08x", name, g_random_int ());
  int saved_errno;

  if (write_file (ops, dirfd, temporary, record) && vmm_file_ops_rename (ops, dirfd, temporary, name, 0) == 0)
    return TRUE;
  saved_errno = errno;
  if (saved_errno != EEXIST)
    (void) vmm_file_ops_unlink (ops, dirfd, temporary, 0);
  errno = saved_errno;
  return FALSE;
}

gboolean
vmm_working_set_write (const VmmFileOps *ops,
                       const char *path,
                       const VmmWorkingSetKey *key,
                       const VmmPageSet *pages,
                       GError **error)
{
  g_autofree char *directory = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  g_autoptr (GBytes) record = NULL;
  VMM_AUTO_FD int dirfd = -1;

  if (!check_memory_size (key, error))
    return FALSE;
  record = vmm_working_set_pack (key, pages);
  if (g_mkdir_with_parents (directory, 0700) == 0)
    dirfd = vmm_file_ops_open (ops, AT_FDCWD, directory, O_RDONLY | O_DIRECTORY, 0);
  if (dirfd >= 0 && publish (ops, dirfd, name, record))
    return TRUE;
  vmm_file_ops_set_error (error, errno, "write", NULL, path);
  return FALSE;
}

/* (transfer full): %NULL with errno; one of a size that no record has is cut, and damaged by that */
static GBytes *
read_file (const VmmFileOps *ops, const char *path, gsize size_max)
{
  VMM_AUTO_FD int fd =
      vmm_file_ops_open (ops, AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
  g_autofree guint8 *bytes = NULL;
  struct stat st;
  gsize size;
  gssize n;

  if (fd < 0 || vmm_file_ops_stat (ops, fd, path, &st) != 0)
    return NULL;
  if (!S_ISREG (st.st_mode))
    {
      errno = EINVAL;
      return NULL;
    }
  size = MIN ((guint64) st.st_size, size_max);
  bytes = g_try_malloc (MAX (size, 1));
  n = bytes != NULL ? vmm_file_ops_read (ops, fd, path, bytes, size, 0) : -1;
  return n >= 0 ? g_bytes_new_take (g_steal_pointer (&bytes), (gsize) n) : NULL;
}

VmmPageSet *
vmm_working_set_read (const VmmFileOps *ops, const char *path, const VmmWorkingSetKey *key, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;

  if (!check_memory_size (key, error))
    return NULL;
  bytes = read_file (ops,
                     path,
                     sizeof (Header) + VMM_DIGEST_SIZE +
                         vmm_page_set_get_packed_size_max (key->memory_size / VMM_PAGE_SIZE));
  if (bytes != NULL)
    return vmm_working_set_unpack (bytes, key, error);
  vmm_file_ops_set_error (error, errno, "read", NULL, path);
  return NULL;
}
