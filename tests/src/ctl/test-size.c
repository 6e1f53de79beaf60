/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/size.h"

#include "src/ctl/status.h"

static void
test_parses_units (void)
{
  static const struct
  {
    const char *text;
    guint64 bytes;
  } cases[] = {
    { "0", 0 },
    { "4096", 4096 },
    { "1K", 1024 },
    { "1k", 1024 },
    { "512M", 512 * 1024 * 1024ull },
    { "512MiB", 512 * 1024 * 1024ull },
    { "512 mib", 512 * 1024 * 1024ull },
    { "4G", 4ull << 30 },
    { "2GiB", 2ull << 30 },
    { "1T", 1ull << 40 },
    { "18446744073709551615", G_MAXUINT64 },
    { "15E", 15ull << 60 },
    { "007M", 7ull << 20 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      guint64 bytes = 1;

      g_assert_true (ovm_ctl_size_parse (cases[i].text, &bytes, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (bytes, ==, cases[i].bytes);
    }
}

static void
test_rejects_what_is_no_size (void)
{
  static const char *const texts[] = {
    "",   "M",    "-1", "-1M", "+1",  "1.5G", "512MB", "1KB", "1 MB", "1X",
    "1B", "0x10", " 1", "1M ", "1Mi", "1MM",  "1MiBs", "ä",   "1,5G", "1M\n",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      guint64 bytes = 42;

      g_assert_false (ovm_ctl_size_parse (texts[i], &bytes, &error));
      g_assert_error (error, OVM_CTL_ERROR, OVM_CTL_STATUS_USAGE);
      g_assert_nonnull (strstr (error->message, texts[i]));
      g_assert_cmpuint (bytes, ==, 42);
    }
}

static void
test_rejects_overflow (void)
{
  static const char *const texts[] = {
    "18446744073709551616", "16E", "99999999999999999999G", "18014398509481984K"
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      guint64 bytes = 42;

      g_assert_false (ovm_ctl_size_parse (texts[i], &bytes, &error));
      g_assert_error (error, OVM_CTL_ERROR, OVM_CTL_STATUS_USAGE);
      g_assert_cmpuint (bytes, ==, 42);
    }
}

static void
test_formats (void)
{
  static const struct
  {
    guint64 bytes;
    const char *text;
  } cases[] = {
    { 0, "0 B" },
    { 1023, "1023 B" },
    { 1024, "1 KiB" },
    { 1536, "1.5 KiB" },
    { 512ull << 20, "512 MiB" },
    { (1ull << 30) + (1ull << 29), "1.5 GiB" },
    { 1ull << 40, "1 TiB" },
    { G_MAXUINT64, "16.0 EiB" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = ovm_ctl_size_format (cases[i].bytes);

      g_assert_cmpstr (text, ==, cases[i].text);
    }
}

static void
test_parses_what_it_formats (void)
{
  for (guint shift = 0; shift < 64; shift++)
    {
      g_autofree char *text = ovm_ctl_size_format (G_GUINT64_CONSTANT (1) << shift);
      g_autoptr (GError) error = NULL;
      guint64 bytes = 0;

      if (shift < 10)
        continue; /* "B" is for reading only */
      g_assert_true (ovm_ctl_size_parse (text, &bytes, &error));
      g_assert_cmpuint (bytes, ==, G_GUINT64_CONSTANT (1) << shift);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/ctl/size/parses-units", test_parses_units);
  g_test_add_func ("/src/ctl/size/rejects-what-is-no-size", test_rejects_what_is_no_size);
  g_test_add_func ("/src/ctl/size/rejects-overflow", test_rejects_overflow);
  g_test_add_func ("/src/ctl/size/formats", test_formats);
  g_test_add_func ("/src/ctl/size/parses-what-it-formats", test_parses_what_it_formats);
  return g_test_run ();
}
