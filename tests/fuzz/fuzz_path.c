/*
 * fuzz_path.c - a path that is taken leads to its field; one that is refused leaves no trace
 *
 * Each line is a path; its first byte chooses the form. What must hold:
 *   - a path written anew from its steps, each name in brackets, has the same steps
 *   - the same path again is a duplicate, in whatever spelling
 *   - after finishing, walking the steps of each path that was taken ends at a field of its form
 */
#include "base/writer.h"
#include "transform/keyset.h"
#include "transform/path_node.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATH_BYTES_MAX = 512 };

struct taken {
    struct steps steps;
    uint8_t names[PATH_BYTES_MAX];
    enum field_form form;
};

static struct taken taken[LIMIT_MAX_route_fields];

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void write_path(const struct steps *steps, struct writer *writer)
{
    write_str(writer, "$");
    for (size_t i = 0; i < steps->n; i++) {
        write_str(writer, "[");
        if (steps->step[i].kind == STEP_NAME)
            write_json_string(writer, steps->step[i].name);
        else if (steps->step[i].kind == STEP_INDEX)
            write_decimal(writer, steps->step[i].index);
        else
            write_str(writer, "*");
        write_str(writer, "]");
    }
    must(!writer->overflow);
}

static bool steps_equal(const struct steps *a, const struct steps *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (a->step[i].kind != b->step[i].kind || a->step[i].index != b->step[i].index ||
            !slice_equals(a->step[i].name, b->step[i].name))
            return false;
    return true;
}

static void walk(const struct path_trie *trie, const struct taken *field)
{
    const struct path_node *node = path_root(trie);
    for (size_t i = 0; i < field->steps.n; i++) {
        const struct step *step = &field->steps.step[i];
        must(!node->is_field);
        node = step->kind == STEP_NAME ? path_member(trie, node, step->name, key_hash(step->name))
                                       : path_element(trie, node, step->index);
        must(node != NULL);
    }
    must(node->is_field && node->form == field->form);
}

/* Returns how many fields the trie has now. */
static size_t add_line(struct path_trie *trie, struct slice line, size_t n_taken)
{
    static uint8_t block[PATH_BYTES_MAX * 8];
    static struct steps again;
    static uint8_t again_names[sizeof block];
    if (line.n < 2 || line.n > PATH_BYTES_MAX || n_taken == LIMIT_MAX_route_fields)
        return n_taken;
    struct path_field field = {(enum field_form)(line.p[0] % (FIELD_STRUCTURE + 1)), 0};
    struct slice path = slice_of(line.p + 1, line.n - 1);
    size_t fault_at = 0;
    enum path_fault fault = path_trie_add(trie, path, field, &fault_at);
    if (fault != PATH_OK) {
        must(fault_at <= path.n);
        return n_taken;
    }

    struct taken *added = &taken[n_taken];
    memset(&added->steps, 0, sizeof added->steps);
    memset(&again, 0, sizeof again);
    must(steps_parse(path, added->names, &added->steps, &fault_at) == STEPS_OK);
    added->form = field.form;
    struct writer writer = writer_over(block, sizeof block);
    write_path(&added->steps, &writer);
    must(steps_parse(writer_slice(&writer), again_names, &again, &fault_at) == STEPS_OK);
    must(steps_equal(&added->steps, &again));
    must(n_taken + 1 == LIMIT_MAX_route_fields ||
         path_trie_add(trie, writer_slice(&writer), field, &fault_at) == PATH_DUPLICATE);
    return n_taken + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct path_trie *trie = NULL;
    must(path_trie_new(&trie) == SL_OK);
    size_t n_taken = 0;
    for (size_t at = 0; at < size;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t n_line = end ? (size_t)(end - (data + at)) : size - at;
        n_taken = add_line(trie, slice_of(data + at, n_line), n_taken);
        at += n_line + 1;
    }
    enum path_fault fault = path_trie_finish(trie);
    must(fault == PATH_OK || fault == PATH_UNPAIRED);
    for (size_t i = 0; fault == PATH_OK && i < n_taken; i++)
        walk(trie, &taken[i]);
    path_trie_free(trie);
    return 0;
}
