/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/verb.h"

static void
add_result (GVariantBuilder *results, OvmDBusManager *manager, const char *name, const char *path)
{
  /* asked anew, for what is cached here may be from before */
  g_autoptr (OvmDBusVM) vm = ovm_ctl_client_get_vm_at (manager, path, NULL);
  const char *state = vm != NULL ? ovm_dbus_vm_get_state (vm) : NULL;

  g_variant_builder_open (results, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (results, "{sv}", "Name", g_variant_new_string (name));
  g_variant_builder_add (results, "{sv}", "Path", g_variant_new_object_path (path));
  if (state != NULL)
    g_variant_builder_add (results, "{sv}", "State", g_variant_new_string (state));
  g_variant_builder_close (results);
}

static char *
do_one (OvmDBusManager *manager, const char *name, OvmCtlVerb verb, gpointer user_data, GError **error)
{
  g_autoptr (OvmDBusVM) vm = ovm_ctl_client_get_vm (manager, name, error);

  if (vm == NULL || !verb (vm, user_data, error))
    return NULL;
  return g_strdup (g_dbus_proxy_get_object_path (G_DBUS_PROXY (vm)));
}

OvmCtlStatus
ovm_ctl_verb_run (OvmCtl *ctl, const char *const *names, OvmCtlVerb verb, gpointer user_data)
{
  GError *error = NULL;
  g_autoptr (OvmDBusManager) manager = ovm_ctl_client_get_manager (ctl, &error);
  g_auto (GVariantBuilder) results = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  OvmCtlStatus status = OVM_CTL_STATUS_OK;

  if (manager == NULL)
    return ovm_ctl_fail (ctl, error);

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *path = do_one (manager, names[i], verb, user_data, &error);

      if (path != NULL)
        add_result (&results, manager, names[i], path);
      else
        {
          OvmCtlStatus failure = ovm_ctl_fail (ctl, g_steal_pointer (&error));

          status = status == OVM_CTL_STATUS_OK ? failure : status;
        }
    }

  if (ctl->json)
    ovm_ctl_print_json (g_variant_builder_end (&results));
  return status;
}

OvmCtlStatus
ovm_ctl_verb_run_plain (OvmCtl *ctl, const char *const *args, OvmCtlVerb verb)
{
  g_auto (GStrv) names = NULL;

  if (!ovm_ctl_parse (ctl, args, NULL, 1, G_MAXUINT, &names))
    return ctl->status;
  return ovm_ctl_verb_run (ctl, (const char *const *) names, verb, NULL);
}
