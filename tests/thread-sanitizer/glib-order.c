/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Preloaded along with ThreadSanitizer, which knows nothing of GLib's locks: they are futexes of their own, in a
 * library that is not built for it. Each function here does what GLib's does, and tells the sanitizer which order
 * between threads comes with it: locks, references whose last one frees, work that goes to a pool or to a main context.
 *
 * Only what GLib promises is told. In a program without the sanitizer nothing is.
 */

#include <dlfcn.h>
#include <gio/gio.h>

extern void __tsan_acquire (void *address) __attribute__ ((weak));
extern void __tsan_release (void *address) __attribute__ ((weak));
extern void __tsan_mutex_pre_lock (void *mutex, unsigned flags) __attribute__ ((weak));
extern void __tsan_mutex_post_lock (void *mutex, unsigned flags, int recursion) __attribute__ ((weak));
extern int __tsan_mutex_pre_unlock (void *mutex, unsigned flags) __attribute__ ((weak));
extern void __tsan_mutex_post_unlock (void *mutex, unsigned flags) __attribute__ ((weak));

#define TRY_LOCK ((1u << 4))        /* __tsan_mutex_try_lock */
#define TRY_LOCK_FAILED ((1u << 5)) /* __tsan_mutex_try_lock_failed */
#define LINKER_INIT ((1u << 0))     /* a lock need not have been created before */

/* GLib's own function of the name of the one that this stands in */
#define REAL(name)                                                                                           \
  static __typeof__ (&name) real;                                                                            \
  if (real == NULL)                                                                                          \
  real = (__typeof__ (&name)) dlsym (RTLD_NEXT, #name)

static void
acquire (const void *address)
{
  if (__tsan_acquire != NULL)
    __tsan_acquire ((void *) address);
}

static void
release (const void *address)
{
  if (__tsan_release != NULL)
    __tsan_release ((void *) address);
}

static void
locks (gpointer mutex)
{
  if (__tsan_mutex_pre_lock != NULL)
    __tsan_mutex_pre_lock (mutex, LINKER_INIT);
}

static void
locked (gpointer mutex)
{
  if (__tsan_mutex_post_lock != NULL)
    __tsan_mutex_post_lock (mutex, LINKER_INIT, 0);
}

static void
unlocks (gpointer mutex)
{
  if (__tsan_mutex_pre_unlock != NULL)
    (void) __tsan_mutex_pre_unlock (mutex, LINKER_INIT);
}

static void
unlocked (gpointer mutex)
{
  if (__tsan_mutex_post_unlock != NULL)
    __tsan_mutex_post_unlock (mutex, LINKER_INIT);
}

/* ---- locks ------------------------------------------------------------------------------------- */

void
g_mutex_lock (GMutex *mutex)
{
  REAL (g_mutex_lock);
  locks (mutex);
  real (mutex);
  locked (mutex);
}

gboolean
g_mutex_trylock (GMutex *mutex)
{
  REAL (g_mutex_trylock);
  gboolean ok;

  if (__tsan_mutex_pre_lock != NULL)
    __tsan_mutex_pre_lock (mutex, LINKER_INIT | TRY_LOCK);
  ok = real (mutex);
  if (__tsan_mutex_post_lock != NULL)
    __tsan_mutex_post_lock (mutex, LINKER_INIT | TRY_LOCK | (ok ? 0 : TRY_LOCK_FAILED), 0);
  return ok;
}

void
g_mutex_unlock (GMutex *mutex)
{
  REAL (g_mutex_unlock);
  unlocks (mutex);
  real (mutex);
  unlocked (mutex);
}

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  REAL (g_cond_wait);
  unlocks (mutex);
  unlocked (mutex);
  real (cond, mutex);
  locks (mutex);
  locked (mutex);
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
  REAL (g_cond_wait_until);
  gboolean told;

  unlocks (mutex);
  unlocked (mutex);
  told = real (cond, mutex, end_time);
  locks (mutex);
  locked (mutex);
  return told;
}

void (g_once_init_leave) (volatile void *location, gsize result)
{
  static void (*real) (volatile void *, gsize);

  if (real == NULL)
    real = (void (*) (volatile void *, gsize)) dlsym (RTLD_NEXT, "g_once_init_leave");
  release ((const void *) location);
  real (location, result);
}

/* ---- references: what was done before one is given up comes before what the last one frees ---------- */

#define UNREF(name, type)                                                                                    \
  void name (type object)                                                                                    \
  {                                                                                                          \
    REAL (name);                                                                                             \
    release (object);                                                                                        \
    acquire (object);                                                                                        \
    real (object);                                                                                           \
  }

UNREF (g_object_unref, gpointer)
UNREF (g_bytes_unref, GBytes *)
UNREF (g_variant_unref, GVariant *)
UNREF (g_ptr_array_unref, GPtrArray *)
UNREF (g_main_context_unref, GMainContext *)

void
g_cancellable_cancel (GCancellable *cancellable)
{
  REAL (g_cancellable_cancel);
  release (cancellable);
  real (cancellable);
}

gboolean
g_cancellable_is_cancelled (GCancellable *cancellable)
{
  REAL (g_cancellable_is_cancelled);
  gboolean is_cancelled = real (cancellable);

  if (is_cancelled)
    acquire (cancellable);
  return is_cancelled;
}

/* ---- work that goes to another thread ------------------------------------------------------------ */

typedef struct
{
  GSourceFunc func;
  gpointer data;
  GDestroyNotify notify;
} Call;

static gboolean
on_call (gpointer data)
{
  Call *call = data;

  acquire (call);
  return call->func (call->data);
}

static void
free_call (gpointer data)
{
  Call *call = data;

  acquire (call);
  if (call->notify != NULL)
    call->notify (call->data);
  g_free (call);
}

/* only of sources whose callback is a GSourceFunc, as idle and timeout sources have */
void
g_source_set_callback (GSource *source, GSourceFunc func, gpointer data, GDestroyNotify notify)
{
  REAL (g_source_set_callback);
  const char *name = g_source_get_name (source);
  Call *call;

  if (name == NULL || (g_strcmp0 (name, "GIdleSource") != 0 && g_strcmp0 (name, "GTimeoutSource") != 0))
    {
      real (source, func, data, notify);
      return;
    }
  call = g_new (Call, 1);
  *call = (Call){ func, data, notify };
  release (call);
  real (source, on_call, call, free_call);
}

typedef struct
{
  GFunc func;
  gpointer user_data;
} Pool;

static void
on_work (gpointer data, gpointer user_data)
{
  Pool *pool = user_data;

  acquire (pool);
  pool->func (data, pool->user_data);
  release (data);
}

/* what is told of a pool is never freed: there are few, and the program ends with them */
GThreadPool *
g_thread_pool_new (GFunc func, gpointer user_data, gint max_threads, gboolean exclusive, GError **error)
{
  REAL (g_thread_pool_new);
  Pool *pool = g_new (Pool, 1);

  *pool = (Pool){ func, user_data };
  return real (on_work, pool, max_threads, exclusive, error);
}

gboolean
g_thread_pool_push (GThreadPool *pool, gpointer data, GError **error)
{
  REAL (g_thread_pool_push);
  release (pool->user_data);
  return real (pool, data, error);
}
