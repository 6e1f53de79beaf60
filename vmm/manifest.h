/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* manifest.h: manifest.bin (private) */

#pragma once

#include "vmm/vmm.h"
#include "proto/snapshot.pb-c.h"

G_BEGIN_DECLS

#define VMM_MANIFEST_VERSION 1u
#define VMM_MANIFEST_FORMAT_VERSION 1u
#define VMM_MANIFEST_FORMAT_VERSION_INCREMENTAL                                                              \
  2u                                         /* which a program of version 1 must not take for complete */
#define VMM_MANIFEST_SIZE_MAX (1024 * 1024u) /* bytes */
#define VMM_MANIFEST_DESCRIPTION_MAX (64 * 1024u) /* bytes */
#define VMM_MANIFEST_ARCHITECTURE "x86_64"
#define VMM_MANIFEST_INCREMENTAL_MEMORY_MAX (1ull << 40) /* bytes of RAM; its page sets are kept in memory */

typedef Openvmm__Snapshot__SnapshotManifest VmmManifest;

/**
 * vmm_manifest_new:
 * @config: the VM's configuration, copied
 * @running: whether the VM was running: what a restore goes back to
 * @description: (nullable): free text
 * @parent_uuid: (nullable): the snapshot this VM came from
 * @freeze_usec: how long the VPs stood still; may also be set later, in the field
 *
 * A manifest for a snapshot made now, by this program, on this host: with a UUID of its own, and with the memory
 * ranges that @config's memory size leads to. What is known of the processor comes by vmm_manifest_set_cpu(); all
 * about state and digests is filled in by vmm_snapshot_writer_commit().
 */
VmmManifest *vmm_manifest_new (const VmmConfig *config,
                               gboolean running,
                               const char *description,
                               const char *parent_uuid,
                               guint64 freeze_usec);
void vmm_manifest_free (VmmManifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmManifest, vmm_manifest_free)

/** vmm_manifest_set_cpu: what the guest saw: CPUID vendor and model name, and the TSC's rate in kHz. */
void vmm_manifest_set_cpu (VmmManifest *manifest, const char *vendor, const char *model_name, guint32 tsc_khz);

/**
 * vmm_manifest_set_incremental:
 * @parent: manifest of the parent, as it was read
 * @parent_directory: where it is
 * @page_count: pages that memory.bin holds
 * @pages: bytes of pages.bin
 *
 * memory.bin holds pages over those of @parent, and not all of RAM.
 */
void vmm_manifest_set_incremental (VmmManifest *manifest,
                                   const VmmManifest *parent,
                                   const char *parent_directory,
                                   guint64 page_count,
                                   GBytes *pages);

/**
 * vmm_manifest_set_consolidated:
 * @former_sha256: of the manifest in the file that this one replaces, as it was read: its children name that
 *
 * memory.bin is all of RAM now, in what was an incremental snapshot.
 */
void vmm_manifest_set_consolidated (VmmManifest *manifest, const ProtobufCBinaryData *former_sha256);

/** vmm_manifest_set_description: @description takes the place of what it says. */
void vmm_manifest_set_description (VmmManifest *manifest, const char *description);

/** vmm_manifest_get_config: (transfer full): the VM's configuration; memory_directory is not part of it. */
VmmConfig *vmm_manifest_get_config (const VmmManifest *manifest);

/**
 * vmm_manifest_get_chunk_size: bytes of memory that one digest covers: 4 MiB, or as much more as keeps all
 * digests within half of the largest manifest.
 */
guint64 vmm_manifest_get_chunk_size (guint64 memory_size);

/**
 * vmm_manifest_check:
 *
 * Checks every field, and how they agree: that what is text is UTF-8 and not too long, that UUIDs are such, that
 * sizes, ranges and digests are those of one memory. Versions, architecture and page size are not looked at.
 *
 * Errors: CORRUPT, naming the field, what it says and what it should.
 */
gboolean vmm_manifest_check (const VmmManifest *manifest, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_manifest_pack:
 *
 * Returns: (transfer full): the bytes of manifest.bin, ending in the digest of all before it. Any digest in
 * @manifest is ignored.
 */
GBytes *vmm_manifest_pack (const VmmManifest *manifest);

/** vmm_manifest_set_digest: takes the digest at the end of @bytes, which @manifest was packed to, into @manifest. */
void vmm_manifest_set_digest (VmmManifest *manifest, GBytes *bytes);

/**
 * vmm_manifest_unpack:
 *
 * @bytes is hostile. Errors: CORRUPT (encoding, digest, vmm_manifest_check()), INCOMPATIBLE (a version, an
 * architecture, a memory layout or a configuration that this program does not run; every reason in one message).
 * Returns: (transfer full): with the digest of @bytes in manifest_sha256
 */
VmmManifest *vmm_manifest_unpack (GBytes *bytes, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
