/*
 * fuzz_yaml.c - whatever the bytes, the YAML reader gives a tree that holds its promises, or says
 * why
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/utf8.h"
#include "yaml/yaml.h"

enum { DEPTH_MAX = 8 };

static void check_node(const struct yaml_node *node, uint32_t depth)
{
    SL_ASSERT(node->line >= 1 && node->column >= 1);
    SL_ASSERT(utf8_is_valid(node->text) && utf8_is_valid(node->key));
    if (node->kind == YAML_SCALAR) {
        SL_ASSERT(!node->first && node->n_children == 0);
        SL_ASSERT(node->text.p[node->text.n] == 0);
        return;
    }
    SL_ASSERT(depth < DEPTH_MAX);
    uint32_t n = 0;
    for (const struct yaml_node *child = node->first; child; child = child->next, n++) {
        SL_ASSERT((child->key.n > 0) == (node->kind == YAML_MAPPING));
        if (node->kind == YAML_MAPPING && n < 64) {
            for (const struct yaml_node *other = node->first; other != child; other = other->next)
                SL_ASSERT(!slice_equals(other->key, child->key));
        }
        check_node(child, depth + 1);
    }
    SL_ASSERT(n == node->n_children);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct yaml_limits limits = {4096, DEPTH_MAX};
    struct yaml_problems problems;
    yaml_problems_init(&problems, "fuzz");
    struct yaml_document *document = NULL;
    enum sl_err err = yaml_parse(slice_of(data, size), limits, &problems, &document);
    if (err == SL_OK) {
        SL_ASSERT(problems.n == 0 && document && size <= limits.bytes_max);
        check_node(yaml_root(document), 0);
    } else {
        SL_ASSERT(!document && problems.n_errors > 0);
        SL_ASSERT((size > limits.bytes_max) <= (err == SL_ELIMIT));
    }
    for (size_t i = 0; i < problems.n; i++)
        SL_ASSERT(utf8_is_printable(slice_of_str(problems.list[i].text)));
    yaml_document_free(document);
    yaml_problems_deinit(&problems);
    return 0;
}
