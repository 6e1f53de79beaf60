/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whoever looks for another copy of a damaged snapshot, or tries to mend it, wants to know all of the damage. A disk
 * that was lost can be damaged in a million places, and a message goes over the bus: so lines are bounded.
 */

#include "config.h"
#include "vmm/damage.h"

struct _VmmDamage
{
  GPtrArray *lines;
  guint64 count;  /* also of those that are not kept */
  GError *hinder; /* the first that was not CORRUPT */
  guint64 n_hinder;
};

VmmDamage *
vmm_damage_new (void)
{
  VmmDamage *damage = g_new0 (VmmDamage, 1);

  damage->lines = g_ptr_array_new_with_free_func (g_free);
  return damage;
}

void
vmm_damage_free (VmmDamage *damage)
{
  if (damage == NULL)
    return;
  g_ptr_array_unref (damage->lines);
  g_clear_error (&damage->hinder);
  g_free (damage);
}

/* takes @line */
static void
add_line (VmmDamage *damage, char *line)
{
  damage->count++;
  if (damage->lines->len < VMM_DAMAGE_LINES_MAX)
    g_ptr_array_add (damage->lines, line);
  else
    g_free (line);
}

void
vmm_damage_add (VmmDamage *damage, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  add_line (damage, g_strdup_vprintf (format, args));
  va_end (args);
}

void
vmm_damage_take_error (VmmDamage *damage, GError *error)
{
  add_line (damage, g_strdup (error->message));
  if (g_error_matches (error, VMM_ERROR, VMM_ERROR_CORRUPT))
    {
      g_error_free (error);
      return;
    }
  damage->n_hinder++;
  if (damage->hinder == NULL)
    damage->hinder = error;
  else
    g_error_free (error);
}

void
vmm_damage_add_all (VmmDamage *damage, const VmmDamage *more)
{
  for (guint i = 0; i < more->lines->len; i++)
    add_line (damage, g_strdup (g_ptr_array_index (more->lines, i)));
  damage->count += more->count - more->lines->len;
  damage->n_hinder += more->n_hinder;
  if (damage->hinder == NULL && more->hinder != NULL)
    damage->hinder = g_error_copy (more->hinder);
}

guint64
vmm_damage_get_count (const VmmDamage *damage)
{
  return damage->count;
}

static char *
join (const VmmDamage *damage)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < damage->lines->len; i++)
    g_string_append_printf (text, "\n%s", (const char *) g_ptr_array_index (damage->lines, i));
  if (damage->count > damage->lines->len)
    g_string_append_printf (text, "\nand %" G_GUINT64_FORMAT " more", damage->count - damage->lines->len);
  return g_string_free (text, FALSE);
}

gboolean
vmm_damage_check (const VmmDamage *damage, const char *directory, GError **error)
{
  g_autofree char *lines = NULL;

  if (damage->count == 0)
    return TRUE;
  if (damage->count == 1 && damage->n_hinder == 1)
    {
      g_propagate_error (error, g_error_copy (damage->hinder));
      return FALSE;
    }
  lines = join (damage);
  g_set_error (error,
               VMM_ERROR,
               damage->n_hinder == damage->count ? damage->hinder->code : VMM_ERROR_CORRUPT,
               "snapshot '%s' is not as it was saved, in %" G_GUINT64_FORMAT " %s:%s",
               directory,
               damage->count,
               damage->count == 1 ? "place" : "places",
               lines);
  return FALSE;
}
