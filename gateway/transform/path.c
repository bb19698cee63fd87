/*
 * path.c - building the trie of a route's fields
 *
 * Nodes stand in one array in the order in which they were added, so a parent always comes before
 * its children and what is known of a subtree can be summed in one pass from the back. Nothing is
 * added before a whole path is known to fit, so a path that is refused leaves the trie as it was
 * and the operator's configuration can be checked to its end.
 *
 * The key of each member is kept the way it is emitted. An app can spell one key in many ways
 * ("lat", "l\u0061t"); what leaves is always the trie's spelling, so a key carries nothing.
 */
#include "transform/path.h"

#include "base/writer.h"
#include "transform/keyset.h"
#include "transform/path_node.h"

#include <stdlib.h>
#include <string.h>

/* A name can grow sixfold when it is written as a JSON string, and has quotes and a colon. */
enum { KEY_GROWTH = 6, KEY_FRAME_BYTES = 3 };

struct path_trie {
    struct path_node *nodes;
    size_t n_nodes, cap_nodes;
    uint8_t *texts;
    size_t n_texts, cap_texts;
    uint16_t *table; /* node numbers; 0, the root, is nobody's child: free */
    size_t n_slots;
    size_t n_fields;
    struct pattern *patterns[LIMIT_MAX_route_fields]; /* by the number of their field, or NULL */
    size_t last_field;                                /* the node that was made a field last */
    size_t fault_field;
    bool finished;
};

enum sl_err path_trie_new(struct path_trie **out)
{
    SL_TRY(key_hash_init());
    struct path_trie *trie = calloc(1, sizeof *trie);
    if (!trie)
        return SL_EINTERNAL;
    trie->cap_nodes = 64;
    trie->nodes = calloc(trie->cap_nodes, sizeof *trie->nodes);
    if (!trie->nodes) {
        free(trie);
        return SL_EINTERNAL;
    }
    trie->n_nodes = 1;
    *out = trie;
    return SL_OK;
}

void path_trie_free(struct path_trie *trie)
{
    if (!trie)
        return;
    for (size_t i = 0; i < trie->n_fields; i++)
        pattern_free(trie->patterns[i]);
    free(trie->nodes);
    free(trie->texts);
    free(trie->table);
    free(trie);
}

const char *path_fault_text(enum path_fault fault)
{
    static const char *const texts[] = {
        [PATH_OK] = "ok",
        [PATH_SYNTAX] = "not a path of the form $.name['name'][0][*]",
        [PATH_DUPLICATE] = "the same field is named twice",
        [PATH_CONTRADICTS] = "contradicts another field: one lies below the other, or a name, an "
                             "index and [*] stand in the same place",
        [PATH_TOO_MANY] = "too many fields, or too many steps in one path",
        [PATH_UNPAIRED] = "a latitude needs exactly one longitude of the same data class beside "
                          "it, and the other way round",
        [PATH_NO_MEMORY] = "out of memory",
    };
    return texts[fault];
}

static struct slice node_name(const struct path_trie *trie, const struct path_node *node)
{
    return slice_of(trie->texts + node->name_at, node->name_bytes);
}

struct slice path_key(const struct path_trie *trie, const struct path_node *node)
{
    if (node->key_bytes == 0)
        return (struct slice){NULL, 0};
    return slice_of(trie->texts + node->name_at + node->name_bytes, node->key_bytes);
}

static uint64_t step_hash(const struct step *step)
{
    return step->kind == STEP_NAME ? key_hash(step->name) : step->index;
}

static bool leads_to(const struct path_trie *trie, const struct path_node *node, size_t parent,
                     const struct step *step)
{
    return node->parent == parent && node->step == step->kind && node->index == step->index &&
           (step->kind != STEP_NAME || slice_equals(node_name(trie, node), step->name));
}

/* The child of `parent` by this step, or 0. Only for building: it looks at every node. */
static size_t find_child(const struct path_trie *trie, size_t parent, const struct step *step)
{
    for (size_t i = 1; i < trie->n_nodes; i++)
        if (leads_to(trie, &trie->nodes[i], parent, step))
            return i;
    return 0;
}

static bool reserve_nodes(struct path_trie *trie, size_t n_more)
{
    size_t cap = trie->cap_nodes;
    while (cap - trie->n_nodes < n_more)
        cap *= 2;
    if (cap == trie->cap_nodes)
        return true;
    struct path_node *nodes = realloc(trie->nodes, cap * sizeof *nodes);
    if (!nodes)
        return false;
    trie->nodes = nodes;
    trie->cap_nodes = cap;
    return true;
}

static bool reserve_texts(struct path_trie *trie, size_t n_more)
{
    size_t cap = trie->cap_texts ? trie->cap_texts : 1024;
    while (cap - trie->n_texts < n_more)
        cap *= 2;
    if (cap > UINT32_MAX)
        return false;
    if (cap == trie->cap_texts)
        return true;
    uint8_t *texts = realloc(trie->texts, cap);
    if (!texts)
        return false;
    trie->texts = texts;
    trie->cap_texts = cap;
    return true;
}

/* Writes the name and, behind it, the key. Room was reserved. */
static void add_name(struct path_trie *trie, struct path_node *node, struct slice name)
{
    struct writer writer =
        writer_over(trie->texts + trie->n_texts, trie->cap_texts - trie->n_texts);
    write_bytes(&writer, name);
    write_json_string(&writer, name);
    write_u8(&writer, ':');
    SL_ASSERT(!writer.overflow);
    node->name_at = (uint32_t)trie->n_texts;
    node->name_bytes = (uint32_t)name.n;
    node->key_bytes = (uint32_t)(writer.n - name.n);
    trie->n_texts += writer.n;
}

static enum path_children children_by(enum step_kind kind)
{
    return kind == STEP_NAME    ? CHILDREN_NAMED
           : kind == STEP_INDEX ? CHILDREN_INDEXED
                                : CHILDREN_ANY;
}

/* Adds the steps from `n_known` on below `node`. Room was reserved. Returns the last node. */
static size_t add_nodes(struct path_trie *trie, size_t node, const struct steps *steps,
                        size_t n_known)
{
    for (size_t i = n_known; i < steps->n; i++) {
        const struct step *step = &steps->step[i];
        size_t child = trie->n_nodes++;
        trie->nodes[child] = (struct path_node){
            .hash = step_hash(step),
            .parent = (uint32_t)node,
            .step = (uint8_t)step->kind,
            .index = step->index,
        };
        if (step->kind == STEP_NAME)
            add_name(trie, &trie->nodes[child], step->name);
        if (step->kind == STEP_ANY)
            trie->nodes[node].child_any = (uint32_t)child;
        trie->nodes[node].children = (uint8_t)children_by(step->kind);
        node = child;
    }
    return node;
}

/* Follows the steps the trie has; the rest must fit below the node where that ends. */
static enum path_fault follow(const struct path_trie *trie, const struct steps *steps, size_t *node,
                              size_t *n_known)
{
    *node = 0;
    for (*n_known = 0; *n_known < steps->n; ++*n_known) {
        const struct path_node *here = &trie->nodes[*node];
        const struct step *step = &steps->step[*n_known];
        if (here->is_field)
            return PATH_CONTRADICTS;
        if (here->children != CHILDREN_NONE && here->children != children_by(step->kind))
            return PATH_CONTRADICTS;
        size_t child = find_child(trie, *node, step);
        if (child == 0)
            return PATH_OK;
        *node = child;
    }
    if (trie->nodes[*node].is_field)
        return PATH_DUPLICATE;
    return trie->nodes[*node].children == CHILDREN_NONE ? PATH_OK : PATH_CONTRADICTS;
}

static enum path_fault add_field(struct path_trie *trie, const struct steps *steps, size_t n_path,
                                 struct path_field field, size_t *fault_at)
{
    size_t node;
    size_t n_known;
    enum path_fault fault = follow(trie, steps, &node, &n_known);
    if (fault != PATH_OK) {
        *fault_at = n_known < steps->n ? steps->step[n_known].at : n_path;
        return fault;
    }
    size_t n_text = n_path * (KEY_GROWTH + 1) + steps->n * KEY_FRAME_BYTES;
    if (!reserve_nodes(trie, steps->n) || !reserve_texts(trie, n_text)) {
        *fault_at = 0;
        return PATH_NO_MEMORY;
    }

    struct path_node *last = &trie->nodes[add_nodes(trie, node, steps, n_known)];
    last->is_field = true;
    last->form = (uint8_t)field.form;
    last->class_index = field.class_index;
    trie->last_field = (size_t)(last - trie->nodes);
    last->field_number = (uint16_t)trie->n_fields++;
    return PATH_OK;
}

enum path_fault path_trie_add(struct path_trie *trie, struct slice path, struct path_field field,
                              size_t *fault_at)
{
    SL_ASSERT(!trie->finished);
    SL_ASSERT(field.class_index < LIMIT_MAX_route_classes);
    if (trie->n_fields == LIMIT_MAX_route_fields) {
        *fault_at = 0;
        return PATH_TOO_MANY;
    }
    uint8_t *names = malloc(path.n + 1);
    if (!names) {
        *fault_at = 0;
        return PATH_NO_MEMORY;
    }
    struct steps steps = {0};
    enum path_fault fault = PATH_OK;
    switch (steps_parse(path, names, &steps, fault_at)) {
    case STEPS_OK:
        fault = add_field(trie, &steps, path.n, field, fault_at);
        break;
    case STEPS_SYNTAX:
        fault = PATH_SYNTAX;
        break;
    case STEPS_TOO_MANY:
        fault = PATH_TOO_MANY;
        break;
    }
    free(names);
    return fault;
}

void path_trie_set_coarser(struct path_trie *trie, struct path_field coarser)
{
    struct path_node *node = &trie->nodes[trie->last_field];
    SL_ASSERT(!trie->finished && node->is_field);
    SL_ASSERT(coarser.form != FIELD_VALUE && coarser.class_index < LIMIT_MAX_route_classes);
    node->coarser_form = (uint8_t)coarser.form;
    node->coarser_index = coarser.class_index;
}

bool path_trie_set_records(struct path_trie *trie, struct slice records)
{
    SL_ASSERT(!trie->finished);
    uint8_t names[LIMIT_MAX_route_path_bytes];
    struct steps steps = {0};
    size_t node = 0;
    size_t n_known = 0;
    size_t at;
    if (records.n > sizeof names || steps_parse(records, names, &steps, &at) != STEPS_OK ||
        steps.n == 0 || steps.step[steps.n - 1].kind != STEP_ANY)
        return false;
    for (; n_known < steps.n; n_known++) {
        node = find_child(trie, node, &steps.step[n_known]);
        if (node == 0)
            return false;
    }
    trie->nodes[node].part = PART_RECORD;
    trie->nodes[trie->nodes[node].parent].part = PART_LIST;
    return true;
}

void path_trie_set_space(struct path_trie *trie, uint32_t space)
{
    struct path_node *node = &trie->nodes[trie->last_field];
    SL_ASSERT(!trie->finished && node->is_field);
    node->space = space;
}

void path_trie_set_pattern(struct path_trie *trie, struct pattern *pattern)
{
    const struct path_node *node = &trie->nodes[trie->last_field];
    SL_ASSERT(!trie->finished && node->form == FIELD_PATTERN);
    SL_ASSERT(!trie->patterns[node->field_number]);
    trie->patterns[node->field_number] = pattern;
}

bool form_has_class(enum field_form form)
{
    return form != FIELD_TIME && form != FIELD_SUBJECT && form != FIELD_STRUCTURE &&
           form != FIELD_OBJECT;
}

/* Bit i: the field's value may leave for class i. */
static uint32_t classes_of(const struct path_trie *trie, const struct path_node *node)
{
    if (node->is_field && node->form == FIELD_PATTERN)
        return path_pattern(trie, node)->classes;
    if (!node->is_field || !form_has_class((enum field_form)node->form))
        return 0;
    return 1u << node->class_index |
           (node->coarser_form != FIELD_VALUE ? 1u << node->coarser_index : 0);
}

/*
 * Tells the element that the field is, or lies in, that it holds the field's class. A position is
 * where its two halves meet.
 */
static void mark_list(struct path_trie *trie, const struct path_node *field)
{
    const bool is_half = field->form == FIELD_LATITUDE || field->form == FIELD_LONGITUDE;
    size_t at = is_half ? field->parent : (size_t)(field - trie->nodes);
    while (at != 0 && trie->nodes[at].step == STEP_NAME)
        at = trie->nodes[at].parent;
    if (at != 0)
        trie->nodes[at].listed |= classes_of(trie, field);
}

/* The latitude's partner is a longitude, and the other way round. */
static bool has_partner(const struct path_trie *trie, const struct path_node *node)
{
    size_t n_same = 0;
    size_t n_partners = 0;
    for (size_t i = 1; i < trie->n_nodes; i++) {
        const struct path_node *other = &trie->nodes[i];
        if (!other->is_field || other->parent != node->parent)
            continue;
        n_same += other->form == node->form;
        if (other->form != node->form && other->class_index == node->class_index)
            n_partners += other->form == FIELD_LATITUDE || other->form == FIELD_LONGITUDE;
    }
    return n_same == 1 && n_partners == 1;
}

/* Where the child of `parent` with this hash is looked for first. */
static size_t first_slot(const struct path_trie *trie, size_t parent, uint64_t hash)
{
    uint64_t mixed = (hash ^ parent * 0x9e3779b97f4a7c16u) * 0xd6e8feb86659fd93u;
    return (size_t)(mixed >> 32) & (trie->n_slots - 1);
}

static bool fill_table(struct path_trie *trie)
{
    size_t n_slots = 16;
    while (n_slots < trie->n_nodes * 2)
        n_slots *= 2;
    trie->table = calloc(n_slots, sizeof *trie->table);
    if (!trie->table)
        return false;
    trie->n_slots = n_slots;
    for (size_t i = 1; i < trie->n_nodes; i++) {
        size_t slot = first_slot(trie, trie->nodes[i].parent, trie->nodes[i].hash);
        while (trie->table[slot] != 0)
            slot = (slot + 1) & (n_slots - 1);
        trie->table[slot] = (uint16_t)i;
    }
    return true;
}

enum path_fault path_trie_finish(struct path_trie *trie)
{
    for (size_t i = 0; i < trie->n_nodes; i++) {
        const struct path_node *node = &trie->nodes[i];
        bool is_half =
            node->is_field && (node->form == FIELD_LATITUDE || node->form == FIELD_LONGITUDE);
        if (is_half && !has_partner(trie, node)) {
            trie->fault_field = node->field_number;
            return PATH_UNPAIRED;
        }
    }
    if (!fill_table(trie))
        return PATH_NO_MEMORY;

    for (size_t i = trie->n_nodes; i-- > 0;) {
        struct path_node *node = &trie->nodes[i];
        struct path_node *parent = &trie->nodes[node->parent];
        if (classes_of(trie, node) != 0) {
            node->classes |= classes_of(trie, node);
            mark_list(trie, node);
        }
        node->holds_subject |= node->is_field && node->form == FIELD_SUBJECT;
        parent->classes |= node->classes;
        parent->holds_subject |= node->holds_subject;
    }
    trie->finished = true;
    return PATH_OK;
}

size_t path_trie_fault_field(const struct path_trie *trie)
{
    return trie->fault_field;
}

const struct path_node *path_root(const struct path_trie *trie)
{
    SL_ASSERT(trie->finished);
    return &trie->nodes[0];
}

const struct pattern *path_pattern(const struct path_trie *trie, const struct path_node *node)
{
    SL_ASSERT(trie->patterns[node->field_number]);
    return trie->patterns[node->field_number];
}

const struct path_node *path_member(const struct path_trie *trie, const struct path_node *node,
                                    struct slice name, uint64_t hash)
{
    if (node->children != CHILDREN_NAMED)
        return NULL;
    size_t parent = (size_t)(node - trie->nodes);
    size_t slot = first_slot(trie, parent, hash);
    for (; trie->table[slot] != 0; slot = (slot + 1) & (trie->n_slots - 1)) {
        const struct path_node *child = &trie->nodes[trie->table[slot]];
        if (child->parent == parent && child->hash == hash &&
            slice_equals(node_name(trie, child), name))
            return child;
    }
    return NULL;
}

const struct path_node *path_element(const struct path_trie *trie, const struct path_node *node,
                                     uint32_t index)
{
    if (node->children == CHILDREN_ANY)
        return &trie->nodes[node->child_any];
    if (node->children != CHILDREN_INDEXED)
        return NULL;
    size_t parent = (size_t)(node - trie->nodes);
    size_t slot = first_slot(trie, parent, index);
    for (; trie->table[slot] != 0; slot = (slot + 1) & (trie->n_slots - 1)) {
        const struct path_node *child = &trie->nodes[trie->table[slot]];
        if (child->parent == parent && child->index == index)
            return child;
    }
    return NULL;
}
