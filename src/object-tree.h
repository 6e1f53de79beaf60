/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* object-tree.h: what hangs below /org/openvmm, in step with the model */

#pragma once

#include "src/manager.h"

G_BEGIN_DECLS

#define OVM_TYPE_OBJECT_TREE (ovm_object_tree_get_type ())
G_DECLARE_FINAL_TYPE (OvmObjectTree, ovm_object_tree, OVM, OBJECT_TREE, GObject)

/** ovm_object_tree_new: shows @manager, and all that it has and will have, on @connection. */
OvmObjectTree *ovm_object_tree_new (OvmManager *manager, GDBusConnection *connection);

G_END_DECLS
