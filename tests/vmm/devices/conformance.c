/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What every device has to stand, run over all there are. A new device needs no line here.
 *
 * Everything random comes from a fixed seed: a failure comes back.
 */

#include "config.h"
#include "vmm/bus.h"

#include <string.h>

#include "tests/vmm/fake-host.h"

#define SEED 20240229

/* ---- random work ------------------------------------------------------------------------------ */

/* Numbers as they are found in registers: small ones, single bits, and anything. */
static guint64
random_number (GRand *rand)
{
  switch (g_rand_int_range (rand, 0, 4))
    {
    case 0:
      return g_rand_int_range (rand, 0, 16);
    case 1:
      return 1ull << g_rand_int_range (rand, 0, 64);
    case 2:
      return g_rand_int_range (rand, 0, 256);
    default:
      return (guint64) g_rand_int (rand) << 32 | g_rand_int (rand);
    }
}

static guint
count_regions (const VmmDeviceType *type)
{
  guint n = 0;

  while (n < VMM_DEVICE_REGIONS_MAX && type->regions[n].length > 0)
    n++;
  return n;
}

/* One event in a device's life, and what comes of it. The same random numbers make the same event. */
static guint64
do_something (FakeHost *host, VmmDevice *device, GRand *rand)
{
  const guint n_regions = count_regions (device->type);
  const guint region = g_rand_int_range (rand, 0, MAX (n_regions, 1));
  const guint64 offset = g_rand_int_range (rand, 0, device->type->regions[region].length + 2);
  const guint size = g_rand_int_range (rand, 0, 3) > 0 ? 1 : 1u << g_rand_int_range (rand, 0, 4);
  const guint64 value = random_number (rand);
  const guint8 byte = value;

  switch (g_rand_int_range (rand, 0, 24))
    {
    case 0:
      g_byte_array_append (host->input, &byte, 1);
      vmm_device_input (device);
      return 0;
    case 1:
      vmm_device_power_button (device);
      return 0;
    case 2:
      host->clock_ns += value % (100 * G_TIME_SPAN_MILLISECOND * 1000);
      return 0;
    case 3:
      vmm_device_generation_changed (device);
      return 0;
    case 4 ... 10:
      return vmm_device_read (device, region, offset, size);
    default:
      vmm_device_write (device, region, offset, size, value);
      return 0;
    }
}

static void
do_much (FakeHost *host, VmmDevice *device, GRand *rand, guint times)
{
  for (guint i = 0; i < times; i++)
    do_something (host, device, rand);
}

static void
assert_saves (VmmDevice *device, GBytes *expected)
{
  g_autoptr (GBytes) saved = vmm_device_save (device);

  g_assert_cmpmem (g_bytes_get_data (saved, NULL),
                   g_bytes_get_size (saved),
                   g_bytes_get_data (expected, NULL),
                   g_bytes_get_size (expected));
}

/* ---- what the type says ---------------------------------------------------------------------- */

static void
test_names_and_places_are_its_own (gconstpointer data)
{
  const VmmDeviceType *type = data;

  g_assert_cmpuint (strlen (type->name), >, 0);
  g_assert_true (count_regions (type) > 0 || type->generation_changed != NULL);
  g_assert_true (!type->acpi_event || (type->irq != 0 && type->acpi_name != NULL));
  g_assert_cmpint (type->acpi_name == NULL, ==, type->acpi_hid == NULL);
  if (type->acpi_name != NULL)
    g_assert_cmpuint (strlen (type->acpi_name), ==, 4);
  for (guint i = 0; vmm_device_types[i] != NULL; i++)
    {
      const VmmDeviceType *other = vmm_device_types[i];

      if (other == type)
        continue;
      g_assert_cmpstr (type->name, !=, other->name);
      g_assert_true (type->state != other->state);
      g_assert_true (type->irq == 0 || type->irq != other->irq);
      g_assert_true (type->acpi_name == NULL || g_strcmp0 (type->acpi_name, other->acpi_name) != 0);
    }
}

static void
test_all_fit_on_one_bus (void)
{
  g_auto (FakeHost) host = { 0 };
  g_autoptr (VmmBus) bus = vmm_bus_new ();
  g_autoptr (GPtrArray) devices = g_ptr_array_new_with_free_func ((GDestroyNotify) vmm_device_free);

  fake_host_init (&host);
  for (guint i = 0; vmm_device_types[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      VmmDevice *device = fake_host_new_device (&host, vmm_device_types[i]);

      g_ptr_array_add (devices, device);
      g_assert_true (vmm_bus_add (bus, device, &error));
      g_assert_no_error (error);
    }
  g_assert_cmpuint (devices->len, >, 0);
}

/* ---- saved state ------------------------------------------------------------------------------ */

static void
test_reset_state_comes_back (gconstpointer data)
{
  g_auto (FakeHost) host = { 0 };
  g_autoptr (VmmDevice) device = NULL;
  g_autoptr (VmmDevice) copy = NULL;
  g_autoptr (GBytes) saved = NULL;

  fake_host_init (&host);
  device = fake_host_new_device (&host, data);
  saved = vmm_device_save (device);
  copy = fake_host_copy_device (&host, device);
  assert_saves (copy, saved);
  /* nor is a fresh device one that asks for anything */
  for (gsize i = 0; i < G_N_ELEMENTS (host.irq); i++)
    g_assert_false (host.irq[i]);
  g_assert_cmpuint (host.power_offs + host.resets, ==, 0);
  g_assert_cmpuint (host.output->len, ==, 0);
}

/* Puts random values of its type into a field that is not repeated. */
static void
fill_field (GRand *rand, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
  guint8 *member = (guint8 *) message + field->offset;
  const guint64 number = random_number (rand);

  g_assert_cmpint (field->label, !=, PROTOBUF_C_LABEL_REPEATED);
  switch (field->type)
    {
    case PROTOBUF_C_TYPE_BOOL:
      *(protobuf_c_boolean *) (gpointer) member = number & 1;
      break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_ENUM:
      *(guint32 *) (gpointer) member = number;
      break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
      *(guint64 *) (gpointer) member = g_rand_boolean (rand) ? number : -number;
      break;
    case PROTOBUF_C_TYPE_BYTES:
      {
        ProtobufCBinaryData *bytes = (gpointer) member;

        /* a length that the device has, or another */
        if (bytes->len == 0 || g_rand_int_range (rand, 0, 4) == 0)
          {
            bytes->len = number % 32 + 1;
            bytes->data = g_realloc (bytes->data, bytes->len);
          }
        for (gsize i = 0; i < bytes->len; i++)
          bytes->data[i] = g_rand_int (rand);
        break;
      }
    default:
      g_test_message ("field %s: teach this test its type", field->name);
      g_test_fail ();
    }
}

static GBytes *
pack (const ProtobufCMessage *message)
{
  gsize size = protobuf_c_message_get_packed_size (message);
  guint8 *data = g_malloc (size);

  protobuf_c_message_pack (message, data);
  return g_bytes_new_take (data, size);
}

/* The reset state with another value in one field: when it is taken, it must come out again. */
static gboolean
try_field (VmmDevice *device, GBytes *reset, const ProtobufCFieldDescriptor *field, GRand *rand)
{
  ProtobufCMessage *message = protobuf_c_message_unpack (device->type->state,
                                                         NULL,
                                                         g_bytes_get_size (reset),
                                                         g_bytes_get_data (reset, NULL));
  g_autoptr (GBytes) packed = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (message);
  fill_field (rand, message, field);
  packed = pack (message);
  protobuf_c_message_free_unpacked (message, NULL);
  if (g_bytes_equal (packed, reset))
    return FALSE;
  if (!vmm_device_load (device, packed, &error))
    {
      g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
      g_assert_nonnull (strstr (error->message, device->type->name));
      assert_saves (device, reset);
      return FALSE;
    }
  assert_saves (device, packed);
  return TRUE;
}

static void
test_keeps_every_field (gconstpointer data)
{
  const VmmDeviceType *type = data;
  g_auto (FakeHost) host = { 0 };
  g_autoptr (VmmDevice) device = NULL;
  g_autoptr (GBytes) reset = NULL;
  g_autoptr (GRand) rand = g_rand_new_with_seed (SEED);

  fake_host_init (&host);
  device = fake_host_new_device (&host, type);
  reset = vmm_device_save (device);
  for (guint i = 0; i < type->state->n_fields; i++)
    {
      guint taken = 0;

      for (guint j = 0; j < 1000; j++)
        taken += try_field (device, reset, &type->state->fields[i], rand);
      g_test_message ("%s.%s: %u of 1000 values taken", type->name, type->state->fields[i].name, taken);
      g_assert_cmpuint (taken, >, 0);
    }
}

/* What a device does from now on must not depend on whether it was saved and loaded in between. */
static void
test_goes_on_as_if_nothing_was (gconstpointer data)
{
  const VmmDeviceType *type = data;

  for (guint round = 0; round < 300; round++)
    {
      g_auto (FakeHost) host = { 0 };
      g_auto (FakeHost) other_host = { 0 };
      g_autoptr (VmmDevice) device = NULL;
      g_autoptr (VmmDevice) copy = NULL;
      g_autoptr (GRand) rand = g_rand_new_with_seed (SEED + round);
      g_autoptr (GRand) other_rand = NULL;
      g_autoptr (GBytes) saved = NULL;

      fake_host_init (&host);
      fake_host_init (&other_host);
      device = fake_host_new_device (&host, type);
      do_much (&host, device, rand, g_rand_int_range (rand, 0, 400));

      other_rand = g_rand_copy (rand);
      other_host.clock_ns = host.clock_ns;
      g_byte_array_append (other_host.input, host.input->data, host.input->len);
      saved = vmm_device_save (device);
      copy = fake_host_copy_device (&other_host, device);
      assert_saves (copy, saved);
      g_assert_cmpmem (host.irq, sizeof host.irq, other_host.irq, sizeof host.irq);

      g_string_truncate (host.journal, 0);
      g_string_truncate (other_host.journal, 0);
      for (guint i = 0; i < 400; i++)
        g_assert_cmphex (do_something (&host, device, rand), ==, do_something (&other_host, copy, other_rand));
      g_assert_cmpstr (host.journal->str, ==, other_host.journal->str);
    }
}

/* ---- hostile bytes --------------------------------------------------------------------------- */

static void
load_hostile (FakeHost *host, VmmDevice *device, GBytes *bytes, GBytes *reset, GRand *rand)
{
  g_autoptr (GError) error = NULL;

  if (!vmm_device_load (device, bytes, &error))
    {
      g_assert_true (g_error_matches (error, VMM_ERROR, VMM_ERROR_CORRUPT) ||
                     g_error_matches (error, VMM_ERROR, VMM_ERROR_INCOMPATIBLE));
      assert_saves (device, reset);
    }
  vmm_device_sync_irq (device);
  do_much (host, device, rand, 50);
}

static GBytes *
mutate (GBytes *bytes, GRand *rand)
{
  GByteArray *copy = g_byte_array_new ();
  const guint changes = g_rand_int_range (rand, 1, 4);

  g_byte_array_append (copy, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  for (guint i = 0; i < changes; i++)
    {
      const guint position = g_rand_int_range (rand, 0, copy->len + 1);
      const guint8 byte = random_number (rand);

      if (position == copy->len || g_rand_int_range (rand, 0, 8) == 0)
        g_byte_array_append (copy, &byte, 1);
      else if (g_rand_int_range (rand, 0, 8) == 0)
        g_byte_array_remove_index (copy, position);
      else
        copy->data[position] = g_rand_boolean (rand)
                                   ? byte
                                   : copy->data[position] ^ 1u << g_rand_int_range (rand, 0, 8);
    }
  return g_byte_array_free_to_bytes (copy);
}

static void
test_survives_hostile_state (gconstpointer data)
{
  g_auto (FakeHost) host = { 0 };
  g_autoptr (VmmDevice) device = NULL;
  g_autoptr (GBytes) reset = NULL;
  g_autoptr (GBytes) saved = NULL;
  g_autoptr (GRand) rand = g_rand_new_with_seed (SEED);

  fake_host_init (&host);
  device = fake_host_new_device (&host, data);
  reset = vmm_device_save (device);
  do_much (&host, device, rand, 1000);
  saved = vmm_device_save (device);

  for (gsize length = 0; length < g_bytes_get_size (saved); length++)
    {
      g_autoptr (GBytes) cut = g_bytes_new_from_bytes (saved, 0, length);

      load_hostile (&host, device, cut, reset, rand);
    }
  for (guint i = 0; i < 2000; i++)
    {
      g_autoptr (GBytes) mutated = mutate (saved, rand);

      load_hostile (&host, device, mutated, reset, rand);
    }
}

static void
test_survives_hostile_accesses (gconstpointer data)
{
  const VmmDeviceType *type = data;
  g_auto (FakeHost) host = { 0 };
  g_autoptr (VmmDevice) device = NULL;
  g_autoptr (GRand) rand = g_rand_new_with_seed (SEED);

  fake_host_init (&host);
  device = fake_host_new_device (&host, type);
  for (guint i = 0; i < 20000; i++)
    {
      const guint region = g_rand_int_range (rand, 0, VMM_DEVICE_REGIONS_MAX + 1);
      const guint64 offset = random_number (rand);
      const guint size = g_rand_int_range (rand, 0, 17);

      vmm_device_write (device, region, offset, size, random_number (rand));
      if (size < 8)
        g_assert_cmphex (vmm_device_read (device, region, offset, size) >> (size * 8), ==, 0);
      do_something (&host, device, rand);
    }
}

static void
add_cases (const VmmDeviceType *type)
{
  static const struct
  {
    const char *name;
    GTestDataFunc run;
  } cases[] = {
    { "names-and-places-are-its-own", test_names_and_places_are_its_own },
    { "reset-state-comes-back", test_reset_state_comes_back },
    { "keeps-every-field", test_keeps_every_field },
    { "goes-on-as-if-nothing-was", test_goes_on_as_if_nothing_was },
    { "survives-hostile-state", test_survives_hostile_state },
    { "survives-hostile-accesses", test_survives_hostile_accesses },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/vmm/devices/%s/%s", type->name, cases[i].name);

      g_test_add_data_func (path, type, cases[i].run);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/devices/all-fit-on-one-bus", test_all_fit_on_one_bus);
  for (guint i = 0; vmm_device_types[i] != NULL; i++)
    add_cases (vmm_device_types[i]);
  return g_test_run ();
}
