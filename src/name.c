/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/name.h"

#include "src/error.h"

static gboolean
is_name (const char *name)
{
  if (!g_ascii_isalnum (name[0]) || strlen (name) > OVM_NAME_LENGTH_MAX)
    return FALSE;
  for (const char *c = name; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("._-", *c) == NULL)
      return FALSE;
  return TRUE;
}

gboolean
ovm_name_check (const char *name, GError **error)
{
  if (is_name (name))
    return TRUE;
  g_set_error (error,
               OVM_ERROR,
               OVM_ERROR_INVALID_NAME,
               "'%.80s' (%zu bytes) is not a name for a VM; it must be 1 to %d of A-Z a-z 0-9 . _ -, "
               "beginning with a letter or digit",
               name,
               strlen (name),
               OVM_NAME_LENGTH_MAX);
  return FALSE;
}

char *
ovm_name_escape (const char *name)
{
  g_autoptr (GString) escaped = g_string_new (NULL);

  if (*name == '\0')
    return g_strdup ("_");
  for (const char *c = name; *c != '\0'; c++)
    {
      if (g_ascii_isalpha (*c) || (g_ascii_isdigit (*c) && c != name))
        g_string_append_c (escaped, *c);
      else
        g_string_append_printf (escaped, "_%02x", (guchar) *c);
    }
  return g_string_free (g_steal_pointer (&escaped), FALSE);
}

char *
ovm_name_vm_path (const char *name)
{
  g_autofree char *escaped = ovm_name_escape (name);

  return g_strconcat (OVM_ROOT_PATH "/vm/", escaped, NULL);
}

char *
ovm_name_snapshot_path (const char *uuid)
{
  char *path = g_strconcat (OVM_ROOT_PATH "/snapshot/", uuid, NULL);

  return g_strdelimit (path, "-", '_');
}

char *
ovm_name_job_path (guint64 number)
{
  return g_strdup_printf (OVM_ROOT_PATH "/job/%" G_GUINT64_FORMAT, number);
}
