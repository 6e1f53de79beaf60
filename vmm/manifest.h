/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* manifest.h: manifest.bin (private) */

#pragma once

#include "vmm/vmm.h"
#include "proto/snapshot.pb-c.h"

G_BEGIN_DECLS

#define VMM_MANIFEST_VERSION 1u
#define VMM_MANIFEST_FORMAT_VERSION 1u
#define VMM_MANIFEST_SIZE_MAX (1024 * 1024u) /* bytes */

typedef Openvmm__Snapshot__SnapshotManifest VmmManifest;

/**
 * vmm_manifest_pack: the bytes of manifest.bin, ending in the digest of all before it. Any digest in @manifest is ignored.
 */
GBytes *vmm_manifest_pack (const VmmManifest *manifest);

/**
 * vmm_manifest_unpack:
 *
 * @bytes is hostile. Errors: CORRUPT (encoding, digest, a field out of range), INCOMPATIBLE (a version we do not know).
 */
VmmManifest *vmm_manifest_unpack (GBytes *bytes, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void vmm_manifest_free (VmmManifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmManifest, vmm_manifest_free)

G_END_DECLS
