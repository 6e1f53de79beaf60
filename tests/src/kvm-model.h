/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* kvm-model.h: the model over /dev/kvm, with tiny guests */

#pragma once

#include "tests/src/model.h"

/** kvm_model_create: a VM of the driver kvm with a guest of tests/guests/tiny. */
static inline OvmVm *
kvm_model_create (Model *model, const char *name, const char *guest, const char *more)
{
  g_autofree char *file = g_strconcat (guest, ".elf", NULL);
  g_autofree char *kernel = g_build_filename (g_getenv ("TINY_GUESTS"), file, NULL);
  g_autofree char *config =
      g_strdup_printf ("{'driver': <'kvm'>, 'memory-size': <uint64 16777216>, 'kernel': <'%s'>%s%s}",
                       kernel,
                       more != NULL ? ", " : "",
                       more != NULL ? more : "");
  OvmVm *vm = model_try_create (model, name, config);

  g_assert_no_error (model->error);
  return vm;
}
