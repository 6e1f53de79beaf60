/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A VM that runs from a snapshot has a private view of the snapshot's memory: going back to it needs no new
 * machine. The pages that the guest has made private are dropped, so that the file shows through again, and the
 * state is put back.
 *
 * Dropping the pages cannot be undone, so it comes last. If anything before it fails, the present state, saved
 * beforehand, is put back. The page with the generation ID is not dropped: it is made what the file has, with a new
 * ID, while the host may still say that it has no page left for it.
 *
 * Where the view shows an older snapshot, what is private in it has not all changed since the one to go back to. What
 * has is known from the log of the guest's writes. Those pages get the content that the snapshot's chain has, which is
 * read beforehand, and can be swapped back.
 */

#include "config.h"
#include "vmm/machine.h"

#include "vmm/acpi.h"
#include "vmm/page-exchange.h"
#include "vmm/snapshot-chain.h"

#define CHANGED_PAGES_MAX                                                                                    \
  (64 * 1024u) /* 256 MiB, which are held twice: beyond that a new machine is as good */

static gboolean
go_back_to_file (VmmMachine *machine, GError **error)
{
  VmmMemory *memory = machine->memory;
  guint64 gpa = VMM_ACPI_GENERATION_ID_GPA; /* below the hole: also the offset in the file */
  guint8 present[VMM_PAGE_SIZE];

  if (!vmm_memory_read (memory, gpa, present, sizeof present, error))
    return FALSE;
  if (vmm_memory_write_from_file (memory, gpa, vmm_memory_get_fd (memory), gpa, VMM_PAGE_SIZE, error) &&
      vmm_machine_write_generation (machine, error) && vmm_memory_drop_changes (memory, gpa, error))
    return TRUE;
  /* needs no page that we do not have: one that could not be written to is what it was */
  if (!vmm_memory_write (memory, gpa, present, sizeof present, NULL))
    g_debug ("the page with the generation ID could not be written back");
  return FALSE;
}

/* Adds what lies in the base to what was read of those over it. */
static gboolean
read_base (VmmSnapshot *base, const VmmPageSet *pages, VmmPageExchange *exchange, GError **error)
{
  guint64 start;
  guint64 end = 0;

  while (vmm_page_set_next_run (pages, end, &start, &end))
    if (!vmm_page_exchange_read (exchange,
                                 start * VMM_PAGE_SIZE,
                                 (end - start) * VMM_PAGE_SIZE,
                                 vmm_snapshot_get_memory_fd (base),
                                 error))
      {
        g_prefix_error (error, "'%s/" VMM_SNAPSHOT_MEMORY "': ", vmm_snapshot_get_directory (base));
        return FALSE;
      }
  return TRUE;
}

typedef struct
{
  VmmPageExchange *exchange;
  VmmPageSet *left; /* pages that are not read yet */
} Reading;

static gboolean
read_link (guint64 offset, guint64 length, int fd, gpointer user_data, GError **error)
{
  Reading *reading = user_data;

  for (guint64 done = 0; done < length; done += VMM_PAGE_SIZE)
    vmm_page_set_remove (reading->left, (offset + done) / VMM_PAGE_SIZE);
  return vmm_page_exchange_read (reading->exchange, offset, length, fd, error);
}

/* What has changed since @snapshot, as it was. The VPs stand still, so nothing is added to it. */
static VmmPageExchange *
read_changed (VmmMachine *machine, VmmSnapshot *snapshot, GError **error)
{
  g_autoptr (VmmPageSet) pages = vmm_page_set_new (vmm_memory_get_size (machine->memory));
  g_autoptr (VmmPageExchange) exchange = NULL;
  Reading reading = { .left = pages };

  if (!vmm_machine_collect_changes (machine, pages, error))
    return NULL;
  vmm_page_set_add (pages, VMM_ACPI_GENERATION_ID_GPA / VMM_PAGE_SIZE); /* is changed in any case */
  if (vmm_page_set_count (pages) > CHANGED_PAGES_MAX)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_INVALID_STATE,
                   "too much has changed since snapshot %s for the machine to go back in place",
                   vmm_snapshot_get_directory (snapshot));
      return NULL;
    }
  exchange = vmm_page_exchange_new (machine->memory, pages, error);
  reading.exchange = exchange;
  if (exchange == NULL || !vmm_snapshot_chain_foreach_change (snapshot, pages, read_link, &reading, error) ||
      !read_base (vmm_snapshot_chain_get_base (snapshot), pages, exchange, error))
    return NULL;
  return g_steal_pointer (&exchange);
}

static gboolean
go_back_to_chain (VmmMachine *machine, VmmPageExchange *changed, GError **error)
{
  if (!vmm_page_exchange_swap (changed, error))
    return FALSE;
  if (!vmm_machine_write_generation (machine, error))
    {
      if (!vmm_page_exchange_swap (changed, NULL))
        g_debug ("pages of RAM could not be written back");
      return FALSE;
    }
  vmm_page_set_clear (machine->changed);
  vmm_page_set_add (machine->changed, VMM_ACPI_GENERATION_ID_GPA / VMM_PAGE_SIZE);
  return TRUE;
}

gboolean
vmm_machine_settle_locked (VmmMachine *machine, GError **error)
{
  if (machine->owed_state == NULL)
    return TRUE;
  if (!vmm_machine_load_state (machine, machine->owed_state, error))
    return FALSE;
  g_clear_pointer (&machine->owed_state, vmm_saved_state_free);
  return TRUE;
}

gboolean
vmm_machine_go_back_to_state_locked (VmmMachine *machine,
                                     VmmSavedState *state,
                                     VmmPageExchange *changed,
                                     GError **error)
{
  g_autoptr (VmmSavedState) present = NULL;
  g_autoptr (GError) undo_error = NULL;
  guint64 held_clock_ns;

  if (!vmm_machine_settle_locked (machine, error))
    return FALSE;
  present = vmm_machine_save_state (machine, error);
  if (present == NULL)
    return FALSE;
  held_clock_ns = machine->held_clock_ns;
  if (vmm_machine_load_state (machine, state, error) &&
      (changed != NULL ? go_back_to_chain (machine, changed, error) : go_back_to_file (machine, error)))
    {
      vmm_machine_announce_generation (machine);
      return TRUE;
    }
  if (!vmm_machine_load_state (machine, present, &undo_error))
    {
      g_prefix_error (error,
                      "the state the VM was in could not be put back either (%s): ",
                      undo_error->message);
      machine->owed_state = g_steal_pointer (&present); /* it must not run with half of each */
    }
  machine->held_clock_ns = held_clock_ns;
  return FALSE;
}

static gboolean
check_origin (VmmMachine *machine, VmmSnapshot *snapshot, GError **error)
{
  if (g_strcmp0 (machine->origin_uuid, vmm_snapshot_get_uuid (snapshot)) == 0 &&
      (machine->changed == NULL || vmm_page_set_count (machine->changed) < CHANGED_PAGES_MAX))
    return TRUE;
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_INVALID_STATE,
               "the machine does not run from snapshot %s",
               vmm_snapshot_get_directory (snapshot));
  return FALSE;
}

gboolean
vmm_machine_runs_from (VmmMachine *machine, VmmSnapshot *snapshot)
{
  gboolean runs_from;

  g_mutex_lock (&machine->lock);
  runs_from = !g_atomic_int_get (&machine->ended) && check_origin (machine, snapshot, NULL);
  g_mutex_unlock (&machine->lock);
  return runs_from;
}

static gboolean
go_back_standing_still (VmmMachine *machine, VmmSnapshot *snapshot, GError **error)
{
  VmmSavedState *state = vmm_snapshot_get_saved_state (snapshot);
  g_autoptr (VmmPageExchange) changed = NULL;

  if (machine->changed == NULL)
    return vmm_machine_go_back_to_state_locked (machine, state, NULL, error);
  changed = read_changed (machine, snapshot, error);
  return changed != NULL && vmm_machine_go_back_to_state_locked (machine, state, changed, error);
}

static gboolean
go_back_locked (VmmMachine *machine, VmmSnapshot *snapshot, gboolean paused, GError **error)
{
  gboolean was_running = machine->running;
  g_autoptr (GError) release_error = NULL;
  gboolean ok;

  if (!vmm_machine_check_not_ended (machine, error) || !check_origin (machine, snapshot, error) ||
      (machine->changed != NULL && !vmm_snapshot_open_chain (snapshot, error)))
    return FALSE;
  if (was_running && !vmm_machine_stop_vps_locked (machine, error))
    return FALSE;
  ok = go_back_standing_still (machine, snapshot, error);
  if (ok ? paused : !was_running)
    return ok;
  if (vmm_machine_release_vps_locked (machine, &release_error))
    return ok;
  if (ok)
    g_propagate_prefixed_error (error,
                                g_steal_pointer (&release_error),
                                "the VM went back, but could not go on from there and is paused: ");
  else
    g_prefix_error (error, "the VM could not go on and is paused (%s): ", release_error->message);
  return FALSE;
}

gboolean
vmm_machine_go_back (VmmMachine *machine, VmmSnapshot *snapshot, gboolean paused, GError **error)
{
  gboolean ok;

  g_mutex_lock (&machine->lock);
  ok = go_back_locked (machine, snapshot, paused, error);
  g_mutex_unlock (&machine->lock);
  return ok;
}
