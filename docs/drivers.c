/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints drivers.md, from the tables by which the service decides what it can do. */

#include "config.h"
#include "src/driver.h"

#include <stdio.h>

/* that any of them has, each once, in the order in which they are first met */
static GPtrArray *
list_operations (void)
{
  GPtrArray *known = g_ptr_array_new_with_free_func (g_free);

  for (const OvmDriver *const *driver = ovm_drivers; *driver != NULL; driver++)
    {
      g_auto (GStrv) names = ovm_driver_list_operations (*driver);

      for (char **name = names; *name != NULL; name++)
        if (!g_ptr_array_find_with_equal_func (known, *name, g_str_equal, NULL))
          g_ptr_array_add (known, g_strdup (*name));
    }
  return known;
}

static void
print_operation (const char *operation)
{
  printf ("| `%s` |", operation);
  for (const OvmDriver *const *driver = ovm_drivers; *driver != NULL; driver++)
    {
      g_auto (GStrv) names = ovm_driver_list_operations (*driver);

      printf (" %s |", g_strv_contains ((const char *const *) names, operation) ? "yes" : "no");
    }
  printf ("\n");
}

static void
print_operations (void)
{
  g_autoptr (GPtrArray) known = list_operations ();

  printf ("| operation |");
  for (const OvmDriver *const *driver = ovm_drivers; *driver != NULL; driver++)
    printf (" `%s` |", (*driver)->name);
  printf ("\n|---|");
  for (const OvmDriver *const *driver = ovm_drivers; *driver != NULL; driver++)
    printf ("---|");
  printf ("\n");
  for (guint i = 0; i < known->len; i++)
    print_operation (known->pdata[i]);
}

static void
print_options (const OvmDriver *driver)
{
  printf ("\n## `%s`\n\n%s.\n", driver->name, driver->description);
  if (driver->options == NULL)
    return;
  printf ("\nConfiguration keys of its own:\n\n| key | type |\n|---|---|\n");
  for (const OvmOption *option = driver->options; option->key != NULL; option++)
    printf ("| `%s` | `%s` |\n", option->key, option->type);
}

int
main (void)
{
  printf ("<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->\n# Drivers\n\n"
          "What each driver can do. An operation that it cannot is answered with `NotSupported`.\n\n");
  print_operations ();
  for (const OvmDriver *const *driver = ovm_drivers; *driver != NULL; driver++)
    print_options (*driver);
  return ferror (stdout) != 0 || fflush (stdout) != 0;
}
