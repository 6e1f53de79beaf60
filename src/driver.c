/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/driver.h"

#include "src/error.h"

const OvmDriver *const ovm_drivers[] = {
  &ovm_driver_kvm,
  &ovm_driver_test,
  NULL,
};

typedef struct
{
  const char *name;
  goffset offset;
} Slot;

#define SLOT(operation, member) [operation] = { #member, G_STRUCT_OFFSET (OvmDriver, member) }

/* what an operation needs of a driver; a deletion needs what a power-off needs */
static const Slot slots[] = {
  SLOT (OVM_OPERATION_START, start),
  SLOT (OVM_OPERATION_START_PAUSED, start),
  SLOT (OVM_OPERATION_PAUSE, pause),
  SLOT (OVM_OPERATION_RESUME, resume),
  SLOT (OVM_OPERATION_SHUTDOWN, shutdown),
  SLOT (OVM_OPERATION_POWER_OFF, stop),
  SLOT (OVM_OPERATION_RESET, reset),
  SLOT (OVM_OPERATION_DELETE, stop),
  SLOT (OVM_OPERATION_DELETE_FORCED, stop),
  SLOT (OVM_OPERATION_SAVE, save),
  SLOT (OVM_OPERATION_RESTORE, restore),
  SLOT (OVM_OPERATION_RESTORE_PAUSED, restore),
  SLOT (OVM_OPERATION_OPEN_CONSOLE, open_console),
};

static gboolean
is_filled (const OvmDriver *driver, const Slot *slot)
{
  return G_STRUCT_MEMBER (GCallback, driver, slot->offset) != NULL;
}

gboolean
ovm_driver_supports (const OvmDriver *driver, OvmOperation operation)
{
  g_return_val_if_fail ((guint) operation < G_N_ELEMENTS (slots), FALSE);
  return is_filled (driver, &slots[operation]);
}

char **
ovm_driver_list_names (void)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (const OvmDriver *const *driver = ovm_drivers; *driver != NULL; driver++)
    g_ptr_array_add (names, g_strdup ((*driver)->name));
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

char **
ovm_driver_list_operations (const OvmDriver *driver)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (slots); i++)
    {
      gboolean repeated = i > 0 && slots[i].offset == slots[i - 1].offset;
      gboolean implied = i == OVM_OPERATION_DELETE || i == OVM_OPERATION_DELETE_FORCED;

      if (!repeated && !implied && is_filled (driver, &slots[i]))
        g_ptr_array_add (names, g_strdup (slots[i].name));
    }
  if (driver->save_incremental != NULL)
    g_ptr_array_add (names, g_strdup ("save_incremental"));
  if (driver->prepare != NULL)
    g_ptr_array_add (names, g_strdup ("prepare"));
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

const OvmDriver *
ovm_driver_lookup (const char *name, GError **error)
{
  g_auto (GStrv) names = NULL;
  g_autofree char *list = NULL;

  for (const OvmDriver *const *driver = ovm_drivers; *driver != NULL; driver++)
    if (g_str_equal ((*driver)->name, name))
      return *driver;

  names = ovm_driver_list_names ();
  list = g_strjoinv (", ", names);
  g_set_error (error,
               OVM_ERROR,
               OVM_ERROR_NOT_SUPPORTED,
               "there is no driver '%.64s'; there are: %s",
               name,
               list);
  return NULL;
}
