/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A chunk is read in pieces. Zeros at its beginning are only counted, and hashed when something else follows: so
 * a chunk of zeros costs no hashing, and one that lies in a hole costs no reading either.
 *
 * Threads take the chunks in ascending order. So when one fails, all before it have been taken, too, and are finished:
 * of several that fail the first is told, whoever came upon it. A host that has no more threads to give is no error, as
 * the caller's does its share in any case.
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
#define THREADS_MAX 16u
#define THREAD_SHARE (16 * 1024 * 1024ull) /* bytes that are worth a thread */

/** Job: what the threads share. */
typedef struct
{
  const VmmDigestPlan *plan;
  guint64 n_chunks;
  guint8 *digests;

  GMutex lock;  /* protects the rest */
  guint64 next; /* chunk to take */
  guint64 done; /* bytes */
  guint64 failed;
  GError *error; /* of chunk number failed; NULL for none */
} Job;

/** Scan: what each of them has of its own. */
typedef struct
{
  Job *job;
  guint64 data_start;    /* no data lies between the present position and here */
  guint64 leading_zeros; /* of this chunk, not hashed yet */
  gboolean hashing;      /* a byte of this chunk was not zero */
  EVP_MD_CTX *context;
  guint8 *piece;      /* PIECE_SIZE bytes */
  gboolean is_caller; /* it works on the caller's thread */
  GThread *thread;    /* NULL for none of its own */
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
set_short_error (const VmmDigestPlan *plan, guint64 found, GError **error)
{
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_CORRUPT,
               "'%s' ends after %" G_GUINT64_FORMAT " bytes, expected %" G_GUINT64_FORMAT
               ": it was cut while it was read",
               plan->path,
               found,
               plan->size);
  return FALSE;
}

/* where there is no data, a file that was cut looks like one that ends in a hole */
static gboolean
check_size (const VmmDigestPlan *plan, GError **error)
{
  struct stat st;

  if (vmm_file_ops_stat (plan->ops, plan->fd, plan->path, &st) < 0)
    {
      vmm_file_ops_set_error (error, errno, "look at", NULL, plan->path);
      return FALSE;
    }
  return (guint64) st.st_size >= plan->size || set_short_error (plan, (guint64) st.st_size, error);
}

/* what the disk, or a file system that checks what it reads, says of a place that is lost */
static gboolean
is_lost (int error_number)
{
  return error_number == EIO || error_number == EBADMSG || error_number == EUCLEAN || error_number == ENODATA;
}

/* @lost is set to the errno where the place could not be read, and all else shall go on */
static gboolean
read_piece (Scan *scan, guint64 offset, gsize length, gboolean *zero, int *lost, GError **error)
{
  const VmmDigestPlan *plan = scan->job->plan;
  gssize n;

  if (scan->data_start <= offset)
    {
      gint64 data = vmm_file_ops_seek_data (plan->ops, plan->fd, plan->path, offset);

      /* ENXIO: only a hole follows. Any other failure: a file system that cannot tell, so all is read */
      scan->data_start = data >= 0 ? (guint64) data : errno == ENXIO ? plan->size : offset;
    }
  /* a piece in a hole is zero without being read */
  *zero = scan->data_start >= offset + length;
  if (*zero)
    return TRUE;

  n = vmm_file_ops_read (plan->ops, plan->fd, plan->path, scan->piece, length, offset);
  if (n < 0 && plan->unreadable != NULL && is_lost (errno))
    {
      *lost = errno;
      return TRUE;
    }
  if (n < 0)
    {
      vmm_file_ops_set_error (error, errno, "read", NULL, plan->path);
      return FALSE;
    }
  if ((gsize) n < length)
    return set_short_error (plan, offset + (guint64) n, error);
  *zero = vmm_sparse_copy_is_zero (scan->piece, length);
  return TRUE;
}

static gboolean
hash_piece (Scan *scan, gsize length, gboolean zero, GError **error)
{
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
digest_chunk (Scan *scan, guint64 chunk, guint64 offset, guint64 length, GError **error)
{
  const VmmDigestPlan *plan = scan->job->plan;
  guint8 *digest = scan->job->digests + chunk * VMM_DIGEST_SIZE;

  if (plan->known != NULL && plan->is_known[chunk])
    {
      memcpy (digest, plan->known + chunk * VMM_DIGEST_SIZE, VMM_DIGEST_SIZE);
      return TRUE;
    }
  scan->hashing = FALSE;
  scan->leading_zeros = 0;
  if (EVP_DigestInit_ex (scan->context, get_sha256 (), NULL) != 1)
    return set_libcrypto_error (error);

  for (guint64 done = 0; done < length; done += PIECE_SIZE)
    {
      gsize piece = MIN (PIECE_SIZE, length - done);
      gboolean zero = FALSE;
      int lost = 0;

      if (!read_piece (scan, offset + done, piece, &zero, &lost, error))
        return FALSE;
      if (lost != 0)
        {
          plan->unreadable[chunk] = lost;
          return TRUE;
        }
      if (!hash_piece (scan, piece, zero, error))
        return FALSE;
    }
  if (scan->hashing && EVP_DigestFinal_ex (scan->context, digest, NULL) != 1)
    return set_libcrypto_error (error);
  return TRUE;
}

/* the next chunk, if there is one and nothing has failed */
static gboolean
take_chunk (Job *job, guint64 *chunk)
{
  gboolean taken;

  g_mutex_lock (&job->lock);
  taken = job->error == NULL && job->next < job->n_chunks;
  if (taken)
    *chunk = job->next++;
  g_mutex_unlock (&job->lock);
  return taken;
}

/* takes @error; NULL for a chunk that was digested. Returns: bytes done by now */
static guint64
finish_chunk (Job *job, guint64 chunk, guint64 length, GError *error)
{
  guint64 done;

  g_mutex_lock (&job->lock);
  job->done += length;
  if (error != NULL && (job->error == NULL || chunk < job->failed))
    {
      g_clear_error (&job->error);
      job->error = g_steal_pointer (&error);
      job->failed = chunk;
    }
  done = job->done;
  g_mutex_unlock (&job->lock);
  g_clear_error (&error);
  return done;
}

static gboolean
check_not_cancelled (const VmmDigestPlan *plan, GError **error)
{
  if (!g_cancellable_is_cancelled (plan->cancellable))
    return TRUE;
  g_set_error (error, VMM_ERROR, VMM_ERROR_CANCELLED, "cancelled while '%s' was read", plan->path);
  return FALSE;
}

static gpointer
digest_share (gpointer data)
{
  Scan *scan = data;
  Job *job = scan->job;
  const VmmDigestPlan *plan = job->plan;
  guint64 reported = 0;
  guint64 chunk;

  while (take_chunk (job, &chunk))
    {
      guint64 offset = chunk * plan->chunk_size;
      guint64 length = MIN (plan->chunk_size, plan->size - offset);
      GError *error = NULL;
      guint64 done;

      if (check_not_cancelled (plan, &error))
        (void) digest_chunk (scan, chunk, offset, length, &error);
      done = finish_chunk (job, chunk, length, error);
      /* the end is told when all threads are through */
      if (scan->is_caller && plan->progress != NULL && done - reported >= PROGRESS_STEP && done < plan->size)
        {
          reported = done;
          plan->progress (done, plan->size, plan->progress_data);
        }
    }
  return NULL;
}

static guint
count_threads (const Job *job)
{
  guint64 worth = MAX (1, MIN (job->plan->size / THREAD_SHARE, job->n_chunks));

  if (job->plan->threads_max != 0)
    return (guint) MIN (MIN (job->plan->threads_max, THREADS_MAX), MAX (1, job->n_chunks));
  return (guint) MIN (MIN (g_get_num_processors (), THREADS_MAX), worth);
}

static gboolean
init_scans (Job *job, Scan *scans, guint n, GError **error)
{
  for (guint i = 0; i < n; i++)
    {
      scans[i].job = job;
      scans[i].context = EVP_MD_CTX_new ();
      if (scans[i].context == NULL)
        return set_libcrypto_error (error);
      scans[i].piece = g_malloc (PIECE_SIZE);
    }
  return TRUE;
}

static void
clear_scans (Scan *scans, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      EVP_MD_CTX_free (scans[i].context);
      g_free (scans[i].piece);
    }
}

/* the first of @scans is the caller's */
static void
work (Scan *scans, guint n)
{
  for (guint i = 1; i < n; i++)
    {
      g_autoptr (GError) error = NULL;

      scans[i].thread = g_thread_try_new ("digest", digest_share, &scans[i], &error);
      if (scans[i].thread == NULL)
        break;
    }
  scans[0].is_caller = TRUE;
  digest_share (&scans[0]);
  for (guint i = 1; i < n; i++)
    if (scans[i].thread != NULL)
      g_thread_join (scans[i].thread);
}

static gboolean
run_job (Job *job, GError **error)
{
  const VmmDigestPlan *plan = job->plan;
  guint n = count_threads (job);
  Scan scans[THREADS_MAX] = { 0 };
  gboolean ok = init_scans (job, scans, n, error);

  if (ok)
    work (scans, n);
  clear_scans (scans, n);
  if (!ok)
    return FALSE;
  if (job->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&job->error));
      return FALSE;
    }
  /* the others may have taken the last chunks when the caller's thread was told */
  if (!check_not_cancelled (plan, error))
    return FALSE;
  if (plan->progress != NULL && plan->size > 0)
    plan->progress (plan->size, plan->size, plan->progress_data);
  return check_size (plan, error);
}

GBytes *
vmm_digest_run (const VmmDigestPlan *plan, GError **error)
{
  guint64 n_chunks = vmm_digest_chunk_count (plan->size, plan->chunk_size);
  g_autofree guint8 *digests = g_malloc0 (n_chunks * VMM_DIGEST_SIZE);
  Job job = { .plan = plan, .n_chunks = n_chunks, .digests = digests };
  gboolean ok;

  g_mutex_init (&job.lock);
  ok = run_job (&job, error);
  g_mutex_clear (&job.lock);
  return ok ? g_bytes_new_take (g_steal_pointer (&digests), n_chunks * VMM_DIGEST_SIZE) : NULL;
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
  const VmmDigestPlan plan = {
    .ops = ops,
    .fd = fd,
    .path = path,
    .size = size,
    .chunk_size = chunk_size,
    .progress = progress,
    .progress_data = progress_data,
    .cancellable = cancellable,
  };

  return vmm_digest_run (&plan, error);
}
