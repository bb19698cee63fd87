/*
 * filter_state.h - the filter from inside: shared by filter.c (tokens), structure.c (containers and
 * keys) and field.c (values)
 */
#ifndef SLUIS_TRANSFORM_FILTER_STATE_H
#define SLUIS_TRANSFORM_FILTER_STATE_H

#include "transform/buffer.h"
#include "transform/coarsen.h"
#include "transform/cut.h"
#include "transform/filter.h"
#include "transform/keyset.h"
#include "transform/path_node.h"
#include "transform/records.h"
#include "transform/scan.h"

/* What may come next, between two tokens. */
enum expect {
    EXPECT_VALUE,
    EXPECT_FIRST_ELEMENT, /* or ] */
    EXPECT_FIRST_KEY,     /* or } */
    EXPECT_KEY,
    EXPECT_COLON,
    EXPECT_MEMBER_END,  /* , or } */
    EXPECT_ELEMENT_END, /* , or ] */
    EXPECT_NOTHING,     /* the root is whole */
};

/* How far what lies in a container can get. */
enum reach {
    REACH_NOWHERE, /* read and checked, nothing else: no node of the trie */
    REACH_CHECK,   /* dropped too, but subject fields below it are compared */
    REACH_OUTPUT,
};

/* The two halves of a position in one container, as far as they have come. */
struct pair {
    bool has_latitude;
    bool has_longitude;
    bool is_null;
    struct position position;
    size_t slot_at; /* in the output: room for the half that came first */
};

struct frame {
    const struct path_node *node; /* NULL exactly when REACH_NOWHERE */
    enum reach reach;
    bool is_object;
    bool is_element;     /* noted in filter->cut, as number `element` */
    uint32_t kept;       /* of filter->kept, what is left for the children */
    uint32_t element;    /* the innermost noted element that this is or lies in, or 0 */
    uint32_t list;       /* an array: its first noted element, or 0 */
    uint32_t n_children; /* members or elements read */
    uint32_t n_emitted;
    size_t n_keys_before; /* keys in the set that belong to outer objects */
    struct pair pair;
};

enum token_kind { TOKEN_STRING, TOKEN_NUMBER, TOKEN_TRUE, TOKEN_FALSE, TOKEN_NULL };

struct token {
    enum token_kind kind;
    bool escaped;       /* TOKEN_STRING: holds a backslash */
    struct slice bytes; /* as it came in, quotes included */
};

/* What a value can grow by: a text of a pattern, more than what is derived of a value. */
enum { REWRITE_GROWTH_BYTES = PATTERN_PIECES_MAX * PATTERN_PIECE_GROWTH };

struct filter {
    /* fixed */
    size_t answer_bytes_max;
    size_t token_bytes_max;
    size_t depth_max;
    size_t members_max;

    /* of this answer */
    const struct path_trie *trie;
    const struct reduction *reduction;
    struct record_list *records; /* of an answer that is taken apart; else NULL */
    uint32_t kept;  /* bit i: class i is kept of the value that is read, or its container */
    uint32_t top;   /* bit i: only so many elements that hold class i leave */
    uint32_t cuts;  /* bit i: positions of class i are in lists whose ends are cut */
    uint32_t plain; /* bit i: values of class i leave as they are */
    enum filter_fault fault;
    uint64_t fault_at;
    bool finished;
    size_t n_fed;

    enum expect expect;
    size_t depth;
    size_t container_at;            /* offset of the bracket that is read */
    const struct path_node *member; /* of the key that was read, or NULL */
    struct frame frames[LIMIT_MAX_json_depth];
    struct key_set keys;
    uint32_t n_elements[LIMIT_MAX_route_classes]; /* that left, of each class with a top */
    struct cut cut;

    /* A token that the end of a piece cut in two lies in `carry` until it is whole. */
    bool is_pending;
    enum token_kind pending_kind;
    size_t pending_offset; /* of its first byte, in the answer */
    size_t pending_at;     /* how far it was scanned */
    enum number_part pending_part;
    bool pending_escaped;
    struct buffer carry;

    struct buffer unescaped; /* one string at a time */
    struct buffer derived;   /* what was made of it */
    struct buffer output;
};

static inline struct frame *filter_top(struct filter *filter)
{
    return filter->depth > 0 ? &filter->frames[filter->depth - 1] : NULL;
}

/*
 * A node is alive when a class below it is kept, or when there is no class below it at all (only
 * structure, times and subjects, which go with any release).
 */
static inline bool filter_keeps(const struct filter *filter, const struct path_node *node)
{
    return node->classes == 0 || (node->classes & filter->kept) != 0;
}

static inline const struct coarseness *filter_coarseness(const struct filter *filter,
                                                         const struct path_node *node)
{
    return &filter->reduction->classes[node->class_index].coarseness;
}

/* The text of a string token, its escapes resolved; false when there is no memory. */
bool filter_text(struct filter *filter, const struct token *token, struct slice *out);

#endif
