/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/guests/linux/power.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/input.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "tests/guests/linux/console.h"

static void
choose_triple_fault (void)
{
  int fd = open ("/sys/kernel/reboot/type", O_WRONLY | O_CLOEXEC);

  if (fd < 0 || write (fd, "triple", 6) != 6)
    guest_say ("this kernel cannot choose how to reboot");
  if (fd >= 0)
    close (fd);
}

bool
guest_end (const char *how)
{
  bool off = strcmp (how, "poweroff") == 0;
  bool crash = strcmp (how, "crash") == 0;

  if (!off && !crash && strcmp (how, "reboot") != 0)
    return false;

  guest_say ("ending: %s", how);
  if (crash)
    choose_triple_fault ();
  return reboot (off ? RB_POWER_OFF : RB_AUTOBOOT) == 0;
}

static bool
has_power_key (int fd)
{
  unsigned long keys[KEY_MAX / (8 * sizeof (long)) + 1] = { 0 };
  const size_t bits = 8 * sizeof (long);

  if (ioctl (fd, EVIOCGBIT (EV_KEY, sizeof keys), keys) < 0)
    return false;
  return (keys[KEY_POWER / bits] >> (KEY_POWER % bits)) & 1;
}

static int
open_power_button (void)
{
  DIR *directory = opendir ("/dev/input");
  struct dirent *entry;
  int button = -1;

  if (directory == NULL)
    return -1;

  while (button < 0 && (entry = readdir (directory)) != NULL)
    {
      if (strncmp (entry->d_name, "event", 5) != 0)
        continue;
      button = openat (dirfd (directory), entry->d_name, O_RDONLY | O_CLOEXEC);
      if (button >= 0 && !has_power_key (button))
        {
          close (button);
          button = -1;
        }
    }
  closedir (directory);
  return button;
}

void
guest_watch_power_button (void)
{
  struct input_event event;
  int button = open_power_button ();

  if (button < 0)
    {
      guest_say ("no power button");
      return;
    }

  while (read (button, &event, sizeof event) == sizeof event)
    if (event.type == EV_KEY && event.code == KEY_POWER && event.value == 1)
      {
        guest_say ("power button pressed");
        guest_end ("poweroff");
      }
  close (button);
}
