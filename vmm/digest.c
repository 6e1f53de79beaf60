/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A chunk is read in pieces. Zeros at its beginning are only counted, and hashed when something else follows: so
 * a chunk of zeros costs no hashing, and one that lies in a hole costs no reading either.
 */

#include "config.h"
#include "vmm/digest.h"

#include "vmm/sparse-copy.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define PIECE_SIZE (1024 * 1024u)           /* bytes */
#define PROGRESS_STEP (16 * 1024 * 1024ull) /* bytes */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_MD_CTX, EVP_MD_CTX_free)

/** Scan: one pass over a file. */
typedef struct
{
  const VmmFileOps *ops;
  int fd;
  const char *path;
  guint64 size;
  guint64 data_start;    /* no data lies between the present position and here */
  guint64 leading_zeros; /* of this chunk, not hashed yet */
  gboolean hashing;      /* a byte of this chunk was not zero */
  EVP_MD_CTX *context;
  guint8 *piece; /* PIECE_SIZE bytes */
} Scan;

static gpointer
keep_libcrypto (gpointer unused)
{
  (void) OPENSSL_init_crypto (OPENSSL_INIT_NO_ATEXIT, NULL);
  return NULL;
}

/* When the process ends, libcrypto frees what it has under threads that still hash; a service may end in a save. */
static const EVP_MD *
get_sha256 (void)
{
  static GOnce once = G_ONCE_INIT;

  g_once (&once, keep_libcrypto, NULL);
  return EVP_sha256 ();
}

void
vmm_digest_bytes (gconstpointer bytes, gsize length, guint8 digest[VMM_DIGEST_SIZE])
{
  g_autoptr (GChecksum) checksum = NULL;
  gsize digest_length = VMM_DIGEST_SIZE;

  if (EVP_Digest (length > 0 ? bytes : "", length, digest, NULL, get_sha256 (), NULL) == 1)
    return;

  /* libcrypto may be set up to offer nothing; the answer must be right all the same */
  checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_checksum_update (checksum, bytes, (gssize) length);
  g_checksum_get_digest (checksum, digest, &digest_length);
}

char *
vmm_digest_to_string (const guint8 digest[VMM_DIGEST_SIZE])
{
  GString *string = g_string_sized_new (2 * VMM_DIGEST_SIZE + 1);

  for (guint i = 0; i < VMM_DIGEST_SIZE; i++)
    g_string_append_printf (string, "%02x", digest[i]);
  return g_string_free (string, FALSE);
}

guint64
vmm_digest_chunk_count (guint64 size, guint64 chunk_size)
{
  return size / chunk_size + (size % chunk_size != 0 ? 1 : 0);
}

static gboolean
set_libcrypto_error (GError **error)
{
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_HOST,
               "libcrypto offers no working SHA-256; check the configuration of OpenSSL");
  return FALSE;
}

static gboolean
hash_leading_zeros (Scan *scan, GError **error)
{
  static const guint8 zeros[64 * 1024];

  while (scan->leading_zeros > 0)
    {
      gsize length = MIN (scan->leading_zeros, sizeof zeros);

      if (EVP_DigestUpdate (scan->context, zeros, length) != 1)
        return set_libcrypto_error (error);
      scan->leading_zeros -= length;
    }
  return TRUE;
}

static gboolean
set_short_error (const Scan *scan, guint64 found, GError **error)
{
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_CORRUPT,
               "'%s' ends after %" G_GUINT64_FORMAT " bytes, expected %" G_GUINT64_FORMAT
               ": it was cut while it was read",
               scan->path,
               found,
               scan->size);
  return FALSE;
}

/* where there is no data, a file that was cut looks like one that ends in a hole */
static gboolean
check_size (const Scan *scan, GError **error)
{
  struct stat st;

  if (vmm_file_ops_stat (scan->ops, scan->fd, scan->path, &st) < 0)
    {
      vmm_file_ops_set_error (error, errno, "look at", NULL, scan->path);
      return FALSE;
    }
  return (guint64) st.st_size >= scan->size || set_short_error (scan, (guint64) st.st_size, error);
}

/* a piece that is zero counts as such without being read where the file has a hole */
static gboolean
read_piece (Scan *scan, guint64 offset, gsize length, gboolean *zero, GError **error)
{
  gssize n;

  if (scan->data_start <= offset)
    {
      gint64 data = vmm_file_ops_seek_data (scan->ops, scan->fd, scan->path, offset);

      /* ENXIO: only a hole follows. Any other failure: a file system that cannot tell, so all is read */
      scan->data_start = data >= 0 ? (guint64) data : errno == ENXIO ? scan->size : offset;
    }
  *zero = scan->data_start >= offset + length;
  if (*zero)
    return TRUE;

  n = vmm_file_ops_read (scan->ops, scan->fd, scan->path, scan->piece, length, offset);
  if (n < 0)
    {
      vmm_file_ops_set_error (error, errno, "read", NULL, scan->path);
      return FALSE;
    }
  if ((gsize) n < length)
    return set_short_error (scan, offset + (guint64) n, error);
  *zero = vmm_sparse_copy_is_zero (scan->piece, length);
  return TRUE;
}

static gboolean
digest_piece (Scan *scan, guint64 offset, gsize length, GError **error)
{
  gboolean zero;

  if (!read_piece (scan, offset, length, &zero, error))
    return FALSE;
  if (zero && !scan->hashing)
    {
      scan->leading_zeros += length;
      return TRUE;
    }
  if (zero)
    memset (scan->piece, 0, length);
  scan->hashing = TRUE;
  if (!hash_leading_zeros (scan, error))
    return FALSE;
  if (EVP_DigestUpdate (scan->context, scan->piece, length) != 1)
    return set_libcrypto_error (error);
  return TRUE;
}

static gboolean
digest_chunk (Scan *scan, guint64 offset, guint64 length, guint8 *digest, GError **error)
{
  scan->hashing = FALSE;
  scan->leading_zeros = 0;
  if (EVP_DigestInit_ex (scan->context, get_sha256 (), NULL) != 1)
    return set_libcrypto_error (error);

  for (guint64 done = 0; done < length; done += PIECE_SIZE)
    {
      if (!digest_piece (scan, offset + done, MIN (PIECE_SIZE, length - done), error))
        return FALSE;
    }
  if (!scan->hashing)
    memset (digest, 0, VMM_DIGEST_SIZE);
  else if (EVP_DigestFinal_ex (scan->context, digest, NULL) != 1)
    return set_libcrypto_error (error);
  return TRUE;
}

static gboolean
digest_all (Scan *scan,
            guint64 chunk_size,
            guint8 *digests,
            VmmProgressFunc progress,
            gpointer progress_data,
            GCancellable *cancellable,
            GError **error)
{
  guint64 reported = 0;

  for (guint64 offset = 0; offset < scan->size; offset += chunk_size, digests += VMM_DIGEST_SIZE)
    {
      guint64 length = MIN (chunk_size, scan->size - offset);

      if (g_cancellable_is_cancelled (cancellable))
        {
          g_set_error (error, VMM_ERROR, VMM_ERROR_CANCELLED, "cancelled while '%s' was read", scan->path);
          return FALSE;
        }
      if (!digest_chunk (scan, offset, length, digests, error))
        return FALSE;
      if (progress != NULL && (offset + length - reported >= PROGRESS_STEP || offset + length == scan->size))
        {
          reported = offset + length;
          progress (reported, scan->size, progress_data);
        }
    }
  return TRUE;
}

GBytes *
vmm_digest_chunks (const VmmFileOps *ops,
                   int fd,
                   const char *path,
                   guint64 size,
                   guint64 chunk_size,
                   VmmProgressFunc progress,
                   gpointer progress_data,
                   GCancellable *cancellable,
                   GError **error)
{
  g_autoptr (EVP_MD_CTX) context = EVP_MD_CTX_new ();
  g_autofree guint8 *piece = g_malloc (PIECE_SIZE);
  gsize digests_size = vmm_digest_chunk_count (size, chunk_size) * VMM_DIGEST_SIZE;
  g_autofree guint8 *digests = g_malloc0 (digests_size);
  Scan scan = { .ops = ops, .fd = fd, .path = path, .size = size, .context = context, .piece = piece };

  if (context == NULL)
    {
      set_libcrypto_error (error);
      return NULL;
    }
  if (!digest_all (&scan, chunk_size, digests, progress, progress_data, cancellable, error) ||
      !check_size (&scan, error))
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&digests), digests_size);
}
