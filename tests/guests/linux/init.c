/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The first process of the Linux guest that the lab's tests and quickstart run.
 *
 * It counts on the console ten times a second, each line with the guest's monotonic clock, burns one VP and
 * checks a block of RAM on another, copies the kernel's warnings to the console, and ends the guest when the
 * power button is pressed, when a command on the console says so, or by itself. On the kernel's command line,
 *
 *   openvmm.at=N openvmm.then=poweroff|reboot|crash   ends it at the N-th count,
 *   openvmm.block=MIB                                 sets the size of the checked block,
 *   openvmm.load=WORD,...                             what it does besides counting: burn, block, files, pressure,
 *                                                     chance; burn,block if nothing is said.
 */

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/guests/linux/chance.h"
#include "tests/guests/linux/console.h"
#include "tests/guests/linux/files.h"
#include "tests/guests/linux/kernel-log.h"
#include "tests/guests/linux/load.h"
#include "tests/guests/linux/power.h"
#include "tests/guests/linux/pressure.h"

#define TICK_NSEC 100000000L

typedef struct
{
  unsigned long at;
  char then[16];
  size_t block_size;
  char load[64];
} Orders;

static void
mount_all (void)
{
  mkdir ("/proc", 0755);
  mkdir ("/sys", 0755);
  mkdir ("/dev", 0755);
  if (mount ("proc", "/proc", "proc", 0, NULL) < 0 || mount ("sysfs", "/sys", "sysfs", 0, NULL) < 0)
    guest_say ("cannot mount /proc and /sys");
  mount ("devtmpfs", "/dev", "devtmpfs", 0, NULL); /* the kernel may have done so */
}

static void
take_console (void)
{
  int fd = open ("/dev/console", O_RDWR);

  if (fd < 0)
    return;
  dup2 (fd, STDIN_FILENO);
  dup2 (fd, STDOUT_FILENO);
  dup2 (fd, STDERR_FILENO);
  if (fd > STDERR_FILENO)
    close (fd);
}

static void
load_module (const char *path)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);

  if (fd < 0 || syscall (SYS_finit_module, fd, "", 0) < 0)
    guest_say ("cannot load %s", path);
  if (fd >= 0)
    close (fd);
}

static void
read_command_line (char *text, size_t size)
{
  int fd = open ("/proc/cmdline", O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read (fd, text, size - 1);

  text[length < 0 ? 0 : length] = '\0';
  if (fd >= 0)
    close (fd);
}

static const char *
value_of (const char *word, const char *key)
{
  return strncmp (word, key, strlen (key)) == 0 ? word + strlen (key) : NULL;
}

static Orders
read_orders (void)
{
  Orders orders = { 0, "", 16 << 20, "burn,block" };
  char text[4096];
  char *rest = NULL;

  read_command_line (text, sizeof text);
  for (char *word = strtok_r (text, " \n", &rest); word != NULL; word = strtok_r (NULL, " \n", &rest))
    {
      const char *value;

      if ((value = value_of (word, "openvmm.then=")) != NULL)
        snprintf (orders.then, sizeof orders.then, "%s", value);
      else if ((value = value_of (word, "openvmm.at=")) != NULL)
        orders.at = strtoul (value, NULL, 10);
      else if ((value = value_of (word, "openvmm.block=")) != NULL)
        orders.block_size = strtoul (value, NULL, 10) << 20;
      else if ((value = value_of (word, "openvmm.load=")) != NULL)
        snprintf (orders.load, sizeof orders.load, "%s", value);
    }
  return orders;
}

/* Forks; in the child, which belongs on @cpu unless that is negative, returns true. */
static bool
spawn_on (int cpu)
{
  pid_t pid = fork ();

  if (pid < 0)
    guest_say ("cannot fork: a process DIED");
  if (pid == 0 && cpu >= 0)
    {
      cpu_set_t set;

      CPU_ZERO (&set);
      CPU_SET (cpu, &set);
      sched_setaffinity (0, sizeof set, &set);
    }
  return pid == 0;
}

static bool
has_load (const Orders *orders, const char *name)
{
  return strstr (orders->load, name) != NULL;
}

static void
spawn_loads (const Orders *orders, int cpus)
{
  if (has_load (orders, "burn") && spawn_on (0))
    guest_burn ();
  if (has_load (orders, "block") && spawn_on (cpus > 1 ? 1 : 0))
    guest_check_block (orders->block_size);
  if (has_load (orders, "files") && spawn_on (-1))
    guest_churn_files ();
  if (has_load (orders, "pressure") && spawn_on (-1))
    guest_press_memory ();
  if (has_load (orders, "chance") && spawn_on (-1))
    guest_say_chance ();
}

static void
spawn_all (const Orders *orders, int cpus)
{
  if (spawn_on (-1))
    guest_copy_kernel_log ();
  if (spawn_on (-1))
    guest_serve_commands ();
  if (spawn_on (-1))
    {
      guest_watch_power_button ();
      _exit (0);
    }
  spawn_loads (orders, cpus);
}

static void
reap (void)
{
  int status;

  while (waitpid (-1, &status, WNOHANG) > 0)
    if (status != 0)
      guest_say ("a process DIED with status %d", status);
}

static void
wait_for_tick (struct timespec *tick)
{
  tick->tv_nsec += TICK_NSEC;
  if (tick->tv_nsec >= 1000000000L)
    {
      tick->tv_nsec -= 1000000000L;
      tick->tv_sec++;
    }
  clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, tick, NULL);
}

static _Noreturn void
count (const Orders *orders)
{
  struct timespec tick, now;

  clock_gettime (CLOCK_MONOTONIC, &tick);
  for (unsigned long number = 1;; number++)
    {
      wait_for_tick (&tick);
      clock_gettime (CLOCK_MONOTONIC, &now);
      guest_say ("count %lu %ld.%06ld", number, (long) now.tv_sec, now.tv_nsec / 1000);
      reap ();
      if (number == orders->at)
        guest_end (orders->then);
    }
}

int
main (void)
{
  struct sysinfo info;
  int cpus;
  Orders orders;

  mount_all ();
  take_console ();
  load_module ("/modules/button.ko");
  load_module ("/modules/evdev.ko");
  orders = read_orders ();

  cpus = get_nprocs ();
  sysinfo (&info);
  guest_say ("guest up: %d VPs, %lu MiB", cpus, info.totalram / 1024 * info.mem_unit / 1024);
  spawn_all (&orders, cpus);
  count (&orders);
}
