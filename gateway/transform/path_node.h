/*
 * path_node.h - the trie from inside: how the filter walks it, one step per key or element
 *
 * Shape   a node per place in the answer; lookups of children go through one hash table, so that
 *         a step costs the same however many fields a route has
 * Owns    nothing; nodes live as long as their trie, and never change once it is finished
 */
#ifndef SLUIS_TRANSFORM_PATH_NODE_H
#define SLUIS_TRANSFORM_PATH_NODE_H

#include "transform/path.h"
#include "transform/pattern.h"
#include "transform/step.h"

/* What lies below a node: nothing (it is a field), members of an object, elements of an array. */
enum path_children { CHILDREN_NONE, CHILDREN_NAMED, CHILDREN_INDEXED, CHILDREN_ANY };

/* Of an answer about many people: the list, and each element of it. */
enum path_part { PART_OTHER, PART_LIST, PART_RECORD };

struct path_node {
    uint64_t hash; /* of the step that leads here */
    uint32_t parent;
    uint32_t child_any; /* CHILDREN_ANY: the one child */
    uint32_t classes;   /* bit i: a field of class i is this node or lies below it */
    uint32_t listed;    /* an element: bit i when no further list is between it and a field of i */
    uint32_t name_at;   /* STEP_NAME: offset in the trie's texts, of the name and then the key */
    uint32_t name_bytes;
    uint32_t key_bytes; /* the key as it is emitted, with quotes and colon */
    uint32_t index;     /* STEP_INDEX */
    uint32_t space;     /* identifiers: see path_trie_set_space() */
    uint16_t field_number;
    uint8_t step;     /* enum step_kind; of no meaning in the root */
    uint8_t children; /* enum path_children */
    bool is_field;
    bool holds_subject; /* a subject field is this node or lies below it */
    uint8_t part;       /* enum path_part */
    uint8_t class_index;
    uint8_t form;                        /* enum field_form, when is_field */
    uint8_t coarser_form, coarser_index; /* see path_trie_set_coarser(); or FIELD_VALUE */
};

/* The trie must be finished. */
const struct path_node *path_root(const struct path_trie *trie);
/* The child for a member or an element, or NULL. `hash` is key_hash(name). */
const struct path_node *path_member(const struct path_trie *trie, const struct path_node *node,
                                    struct slice name, uint64_t hash);
const struct path_node *path_element(const struct path_trie *trie, const struct path_node *node,
                                     uint32_t index);
/* Of a FIELD_PATTERN. */
const struct pattern *path_pattern(const struct path_trie *trie, const struct path_node *node);
/* "name": as it goes into the reduced answer; empty for elements and the root. */
struct slice path_key(const struct path_trie *trie, const struct path_node *node);

#endif
