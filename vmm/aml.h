/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* aml.h: a writer of ACPI machine language (private) */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VmmAml:
 *
 * AML under construction: append-only, with nested blocks whose length is filled in when they end. Wrong use is a
 * programming error.
 *
 * Spec: ACPI 6.5, chapter 20, "ACPI Machine Language (AML) Specification".
 */
typedef struct _VmmAml VmmAml;

VmmAml *vmm_aml_new (void);
void vmm_aml_free (VmmAml *aml);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmAml, vmm_aml_free)

/** vmm_aml_steal: (transfer full): the bytes; @aml is empty afterwards. Every block must have ended. */
GByteArray *vmm_aml_steal (VmmAml *aml);

/** vmm_aml_begin_scope: @path is one name of up to four characters, after an optional backslash. */
void vmm_aml_begin_scope (VmmAml *aml, const char *path);
void vmm_aml_begin_device (VmmAml *aml, const char *name);
void vmm_aml_begin_package (VmmAml *aml, guint8 n_elements);

/** vmm_aml_begin_method: @n_arguments are 0 to 7; one call at a time. */
void vmm_aml_begin_method (VmmAml *aml, const char *name, guint n_arguments);

/** vmm_aml_begin_if_first_argument_is: what follows is done if the method's first argument equals @value. */
void vmm_aml_begin_if_first_argument_is (VmmAml *aml, guint64 value);

/** vmm_aml_notify: tells the drivers of @device of @event. */
void vmm_aml_notify (VmmAml *aml, const char *device, guint8 event);

/** vmm_aml_begin_resources: a resource template: only the vmm_aml_resource_*() may follow, up to vmm_aml_end(). */
void vmm_aml_begin_resources (VmmAml *aml);
void vmm_aml_end (VmmAml *aml);

/** vmm_aml_name: names the one object that is appended next. */
void vmm_aml_name (VmmAml *aml, const char *path);
void vmm_aml_integer (VmmAml *aml, guint64 value);
void vmm_aml_string (VmmAml *aml, const char *ascii);

/** vmm_aml_hardware_id: "PNP0501" and its like as a compressed EISA ID, anything else ("ACPI0007") as a string. */
void vmm_aml_hardware_id (VmmAml *aml, const char *id);

/** vmm_aml_resource_io: @length ports from @base on, which are decoded with 16 address lines. */
void vmm_aml_resource_io (VmmAml *aml, guint16 base, guint8 length);
void vmm_aml_resource_memory (VmmAml *aml, guint32 base, guint32 length);

/**
 * vmm_aml_resource_irq:
 * @level: level-triggered, active low and shared; otherwise edge-triggered, active high and exclusive
 */
void vmm_aml_resource_irq (VmmAml *aml, guint irq, gboolean level);

G_END_DECLS
