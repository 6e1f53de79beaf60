/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A tree of snapshots with branches, made by one guest that goes back and by clones of it, loses one snapshot after
 * the other, in random order: after each step all that are left verify, and restore guests that know what they knew.
 * The seed is printed; --seed takes it.
 */

#include "config.h"
#include "tests/service/notebook-vm.h"

#define TREES 2u
#define NODES 8u
#define NOBODY G_MAXUINT
#define NO_OPTIONS "(@a{sv} {},)"

typedef struct
{
  char *directory;
  char *path; /* of its object; NULL once it is deleted */
  guint parent;
  gboolean incremental; /* needs its parent */
  Notebook notebook;
} Node;

typedef struct
{
  Bus *bus;
  NotebookVm *vm;
  guint current; /* node that the VM comes from */
  guint n_clones;
  guint n_nodes;
  Node nodes[NODES];
} Tree;

static void
add_node (Tree *tree, gboolean incremental)
{
  Node *node = &tree->nodes[tree->n_nodes];
  g_autofree char *name = g_strdup_printf ("%u", tree->n_nodes);

  node->directory = bus_path (tree->bus, name);
  node->path = notebook_vm_save (tree->vm, node->directory, incremental);
  node->parent = tree->current;
  node->incremental = incremental;
  node->notebook = tree->vm->notebook;
  tree->current = tree->n_nodes++;
}

/* the VM itself becomes what it was */
static void
go_back (Tree *tree, guint number)
{
  g_autofree char *arguments = g_strdup_printf ("('%s', @a{sv} {})", tree->nodes[number].directory);

  bus_vm (tree->bus, tree->vm->path, "Restore", arguments);
  tree->vm->notebook = tree->nodes[number].notebook;
  tree->current = number;
  notebook_assert_known (&tree->vm->notebook, tree->vm->console);
}

/* another VM goes on in its place */
static void
go_on_as_clone (Tree *tree, guint number)
{
  const Node *node = &tree->nodes[number];
  g_autofree char *name = g_strdup_printf ("clone%u", tree->n_clones++);

  notebook_vm_free (tree->vm);
  tree->vm = notebook_vm_new_restored (tree->bus, name, node->directory, &node->notebook);
  tree->current = number;
}

static void
grow (Tree *tree)
{
  guint from = (guint) g_test_rand_int_range (0, (gint32) tree->n_nodes);
  int how = g_test_rand_int_range (0, 4);

  if (how == 0)
    go_on_as_clone (tree, from);
  else if (how == 1)
    go_back (tree, from);
  notebook_vm_tell (tree->vm, (guint) g_test_rand_int_range (1, 30));
  add_node (tree, g_test_rand_int_range (0, 4) != 0);
}

static Tree *
tree_new (Bus *bus)
{
  Tree *tree = g_new0 (Tree, 1);

  tree->bus = bus;
  tree->current = NOBODY;
  tree->vm = notebook_vm_new (bus, "author");
  notebook_vm_tell (tree->vm, 100);
  add_node (tree, FALSE);
  while (tree->n_nodes < NODES)
    grow (tree);
  return tree;
}

static void
tree_free (Tree *tree)
{
  notebook_vm_free (tree->vm);
  for (guint i = 0; i < tree->n_nodes; i++)
    {
      g_free (tree->nodes[i].directory);
      g_free (tree->nodes[i].path);
    }
  g_free (tree);
}

static void
check_node (Tree *tree, const Node *node)
{
  g_autofree char *incremental = bus_get (tree->bus, node->path, "Snapshot", "Incremental");

  g_assert_cmpstr (incremental, ==, node->incremental ? "true" : "false");
  bus_do (tree->bus, node->path, "Snapshot", "Verify", NO_OPTIONS);
  notebook_vm_free (notebook_vm_new_restored (tree->bus, "check", node->directory, &node->notebook));
}

static void
check_all (Tree *tree)
{
  for (guint i = 0; i < tree->n_nodes; i++)
    if (tree->nodes[i].path != NULL)
      check_node (tree, &tree->nodes[i]);
    else
      g_assert_false (g_file_test (tree->nodes[i].directory, G_FILE_TEST_EXISTS));
  notebook_vm_tell (tree->vm, 1);
}

static gboolean
is_needed_by (Tree *tree, guint number, guint child)
{
  const Node *node = &tree->nodes[child];

  return node->path != NULL && node->incremental && node->parent == number;
}

/* with children it is refused, and they are named; then they become complete. Returns: whether it had children */
static gboolean
try_plain_delete (Tree *tree, guint number)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant)
      reply = bus_try (tree->bus, tree->nodes[number].path, "Snapshot", "Delete", NO_OPTIONS, &error);
  guint n_children = 0;

  for (guint child = 0; child < tree->n_nodes; child++)
    if (is_needed_by (tree, number, child))
      {
        n_children++;
        g_assert_error (error, OVM_ERROR, OVM_ERROR_HAS_CHILDREN);
        g_assert_nonnull (strstr (error->message, tree->nodes[child].directory));
      }
  if (n_children == 0)
    g_assert_no_error (error);
  return n_children > 0;
}

static void
make_complete (Tree *tree, guint number)
{
  bus_do (tree->bus, tree->nodes[number].path, "Snapshot", "Consolidate", NO_OPTIONS);
  tree->nodes[number].incremental = FALSE;
}

static void
delete_node (Tree *tree, guint number)
{
  gboolean one_by_one = g_test_rand_bit ();

  if (try_plain_delete (tree, number))
    {
      check_all (tree);
      for (guint child = 0; child < tree->n_nodes; child++)
        if (is_needed_by (tree, number, child) && one_by_one)
          make_complete (tree, child);
      bus_do (tree->bus,
              tree->nodes[number].path,
              "Snapshot",
              "Delete",
              one_by_one ? NO_OPTIONS : "({'consolidate-children': <true>},)");
      for (guint child = 0; child < tree->n_nodes; child++)
        if (is_needed_by (tree, number, child))
          tree->nodes[child].incremental = FALSE;
    }
  g_clear_pointer (&tree->nodes[number].path, g_free);
}

static void
describe (Tree *tree)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < tree->n_nodes; i++)
    g_string_append_printf (text,
                            " %u%s%d",
                            i,
                            tree->nodes[i].incremental ? " over " : " complete, of ",
                            (int) tree->nodes[i].parent);
  g_test_message ("snapshots:%s", text->str);
}

static void
grow_and_fell (Bus *bus)
{
  Tree *tree = tree_new (bus);

  describe (tree);
  check_all (tree);
  for (guint n_left = tree->n_nodes; n_left > 0; n_left--)
    {
      guint number = (guint) g_test_rand_int_range (0, (gint32) tree->n_nodes);

      while (tree->nodes[number].path == NULL)
        number = (number + 1) % tree->n_nodes;
      g_test_message ("delete %u", number);
      delete_node (tree, number);
      check_all (tree);
    }
  tree_free (tree);
}

static void
test_any_order_of_deletes (Bus *bus, gconstpointer data)
{
  for (guint i = 0; i < TREES; i++)
    grow_and_fell (bus);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  notebook_vm_use_fast_directory ();
  bus_test_add ("/service/tree/any-order-of-deletes", test_any_order_of_deletes);
  return g_test_run ();
}
