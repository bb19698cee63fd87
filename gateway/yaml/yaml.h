/*
 * yaml.h - a strict subset of YAML 1.2 as a tree with positions, and a list of problems
 *
 * Shape   one document; mappings with unique scalar keys, sequences, scalars. No anchors,
 *         aliases, tags, merge keys, directives or multiple documents; scalars keep their text
 *         and whether they were quoted: meaning is the schema's, not YAML's
 * Owns    the document owns its nodes and a copy of every text; yaml_document_free() frees
 *         all; each text is followed by a NUL that is not counted
 * Limits  bytes and depth are the caller's; nodes are bounded by the bytes
 * Errors  problems are collected, all of them, with line and column (both from 1)
 */
#ifndef SLUIS_YAML_YAML_H
#define SLUIS_YAML_YAML_H

#include "base/err.h"
#include "base/slice.h"

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
    enum yaml_kind kind;
    uint32_t line, column;
    bool quoted;       /* scalar: written with quotes or as a block */
    struct slice text; /* scalar: its value; valid UTF-8 */
    struct slice key;  /* of this node inside a mapping; else empty */
    uint32_t key_line, key_column;
    const struct yaml_node *first; /* sequence, mapping: children in order */
    const struct yaml_node *next;  /* sibling */
    uint32_t n_children;
};

/* One finding: what was found, what was expected, and advice; safe to show in a terminal. */
struct yaml_problem {
    uint32_t line, column;
    bool warning;
    char *text; /* unknown key "prupose" in a consent; did you mean "purpose"? */
};

/* Every problem of one file, in the order found; sort before showing. */
struct yaml_problems {
    const char *file; /* as shown in messages; not owned */
    struct yaml_problem *list;
    size_t n, cap;
    size_t n_errors; /* those that are not warnings, also those not listed */
};

/* Beyond this many a file is not what its name says; the rest is counted only. */
enum { YAML_PROBLEMS_MAX = 256 };

void yaml_problems_init(struct yaml_problems *problems, const char *file);
void yaml_problems_deinit(struct yaml_problems *problems);
void yaml_error_at(struct yaml_problems *problems, uint32_t line, uint32_t column,
                   const char *format, ...) SL_PRINTF(4, 5);
void yaml_warning_at(struct yaml_problems *problems, uint32_t line, uint32_t column,
                     const char *format, ...) SL_PRINTF(4, 5);
/* By line and column; then show as "FILE:LINE:COLUMN: error: TEXT". */
void yaml_problems_sort(struct yaml_problems *problems);

struct yaml_limits {
    size_t bytes_max;
    uint32_t depth_max;
};

struct yaml_document;
/*
 * Parses `text`. On broken YAML the problem list says why and the result is SL_EMALFORMED (too
 * long or too deep: SL_ELIMIT); on success `*out` is the document, to be freed by the caller.
 */
SL_NODISCARD enum sl_err yaml_parse(struct slice text, struct yaml_limits limits,
                                    struct yaml_problems *problems, struct yaml_document **out);
/*
 * As yaml_parse(), but a document that merely leaves our subset (a duplicate key, an anchor, a
 * tag) is given out all the same, with SL_OK, so that a schema can report its own problems in
 * the same run. The caller must refuse the document while problems->n_errors is not 0.
 */
SL_NODISCARD enum sl_err yaml_parse_further(struct slice text, struct yaml_limits limits,
                                            struct yaml_problems *problems,
                                            struct yaml_document **out);
/* Not yaml_free: libyaml exports that name, and would call ours. */
void yaml_document_free(struct yaml_document *document);
SL_DEFINE_AUTO(yaml_document, yaml_document_free)
const struct yaml_node *yaml_root(const struct yaml_document *document);

/* The child of a mapping under `key`, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key);

/*
 * Reports every key of `mapping` that is not in `keys` (NULL-terminated), with the nearest known
 * one as a suggestion; false and a problem when the node is no mapping. `what` names it: "a
 * consent", "the configuration".
 */
bool yaml_check_keys(const struct yaml_node *mapping, const char *what, const char *const *keys,
                     struct yaml_problems *problems);
/* The nearest of n candidates within two edits, or NULL; for "did you mean". */
const char *yaml_nearest(struct slice word, const char *const *candidates, size_t n);

#endif
