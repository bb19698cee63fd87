/*
 * structure.c - containers and keys: where in the trie a value stands, and how far it gets
 *
 * Between two tokens the whole state is a stack of frames, one per open container. Each knows its
 * node of the trie, and a key or an index leads to the child's. A container without a node is
 * read with the same strictness and goes nowhere.
 *
 * What is kept of containers (filter_keeps): one below which the route has fields of some data
 * class is emitted exactly when one of these classes is kept, and one that holds only structure,
 * times and subjects is emitted always. So the shape of what a partner gets follows from route
 * and plan alone; and of a part of the answer that is dropped, not even its time is left.
 * A container of the other kind (an array where the route has an object) holds no field of the
 * route: it is left out, and at the root the answer is refused.
 *
 * A class of which only so many leave (`top`) is kept in the first so many elements that hold it,
 * counted over the whole answer, and from then on it is as dropped as any other.
 *
 * Subject fields are compared in dropped parts too: an answer that names somebody else is the
 * wrong answer, wherever it does so.
 */
#include "transform/structure.h"

#include "transform/field.h"

bool filter_text(struct filter *filter, const struct token *token, struct slice *out)
{
    struct slice text = slice_of(token->bytes.p + 1, token->bytes.n - 2);
    if (token->escaped) {
        buffer_cut(&filter->unescaped, 0);
        if (!buffer_reserve(&filter->unescaped, text.n))
            return false;
        filter->unescaped.n = scan_unescape(text, filter->unescaped.p);
        text = slice_of(filter->unescaped.p, filter->unescaped.n);
    }
    *out = text;
    return true;
}

/* Drops from an element the classes of which enough have left, and counts it for the others. */
static void count_element(struct filter *filter, const struct path_node *node)
{
    uint32_t counted = node->classes & filter->kept & filter->top;
    for (; counted != 0; counted &= counted - 1) {
        const unsigned i = (unsigned)__builtin_ctz(counted);
        if (filter->n_elements[i] == filter->reduction->classes[i].coarseness.by[COARSE_TOP])
            filter->kept &= ~(1u << i);
        else
            filter->n_elements[i] += node->listed >> i & 1;
    }
}

/* The node of the value that begins here, or NULL; filter->kept is what is kept of it. */
static const struct path_node *next_node(struct filter *filter)
{
    struct frame *frame = filter_top(filter);
    if (!frame)
        return path_root(filter->trie);
    filter->kept = frame->kept;
    if (frame->is_object)
        return filter->member;
    uint32_t index = frame->n_children++;
    if (!frame->node)
        return NULL;
    const struct path_node *node = path_element(filter->trie, frame->node, index);
    if (node && filter->top != 0 && frame->reach == REACH_OUTPUT)
        count_element(filter, node);
    return node;
}

/* A value has ended. A root of which nothing is left is not what the route's fields say. */
static enum filter_fault end_value(struct filter *filter)
{
    const struct frame *frame = filter_top(filter);
    if (!frame) {
        filter->expect = EXPECT_NOTHING;
        return filter->output.n > 0 ? FILTER_OK : FILTER_SHAPE;
    }
    filter->expect = frame->is_object ? EXPECT_MEMBER_END : EXPECT_ELEMENT_END;
    return FILTER_OK;
}

static enum reach reach_of(const struct filter *filter, const struct path_node *node,
                           bool is_object, enum reach around)
{
    bool is_expected_kind =
        is_object ? node->children == CHILDREN_NAMED
                  : node->children == CHILDREN_INDEXED || node->children == CHILDREN_ANY;
    if (!is_expected_kind)
        return REACH_NOWHERE;
    if (around == REACH_OUTPUT && filter_keeps(filter, node))
        return REACH_OUTPUT;
    return node->holds_subject ? REACH_CHECK : REACH_NOWHERE;
}

/*
 * A container of an answer that is taken apart has begun: the list, a record, or what is in its
 * place. What lies in a record is read and checked, and does not leave here.
 */
static enum filter_fault open_part(struct filter *filter, const struct path_node *node,
                                   enum reach *reach)
{
    const bool is_expected = *reach == REACH_OUTPUT;
    if (node->part == PART_OTHER)
        return FILTER_OK;
    if (!is_expected)
        return FILTER_RECORD;
    if (node->part == PART_LIST)
        return FILTER_OK;
    *reach = REACH_CHECK;
    return record_list_open(filter->records, filter->container_at) ? FILTER_OK : FILTER_TOO_LARGE;
}

static enum filter_fault close_part(struct filter *filter, const struct path_node *node)
{
    struct record_list *list = filter->records;
    if (node->part == PART_LIST) {
        list->has_list = true;
        list->list_at = filter->output.n;
    }
    if (node->part == PART_RECORD && !record_list_close(list, filter->container_at + 1))
        return FILTER_RECORD;
    return FILTER_OK;
}

/* The container that was just opened, when it is an element of a list whose ends are cut. */
static enum filter_fault note_element(struct filter *filter, const struct path_node *node)
{
    const uint32_t classes = node->listed & filter->kept & filter->cuts;
    if (filter->depth < 2 || node->step != STEP_ANY || classes == 0)
        return FILTER_OK;
    struct frame *frame = filter_top(filter);
    struct frame *outer = frame - 1;
    const struct cut_element element = {
        .from = filter->output.n - 1,
        .classes = classes,
        .outer = outer->element,
        .has_comma = outer->n_emitted > 1,
    };
    frame->is_element = true;
    return cut_open(&filter->cut, &element, &outer->list, &frame->element);
}

enum filter_fault structure_open(struct filter *filter, bool is_object)
{
    if (filter->depth == filter->depth_max)
        return FILTER_DEPTH;
    const struct frame *outer = filter_top(filter);
    enum reach around = outer ? outer->reach : REACH_OUTPUT;
    const struct path_node *node = next_node(filter);
    enum reach reach = REACH_NOWHERE;
    enum filter_fault fault = FILTER_OK;
    if (node && node->is_field)
        fault = field_refuse_container(filter, node, around);
    else if (node)
        reach = reach_of(filter, node, is_object, around);
    if (filter->records && node && fault == FILTER_OK)
        fault = open_part(filter, node, &reach);

    if (fault == FILTER_OK && reach == REACH_OUTPUT)
        fault = field_emit(filter, node, slice_of(is_object ? "{" : "[", 1));
    else if (fault == FILTER_OK && !outer)
        fault = FILTER_SHAPE;
    if (fault != FILTER_OK)
        return fault;

    struct frame *frame = &filter->frames[filter->depth++];
    frame->node = reach == REACH_NOWHERE ? NULL : node;
    frame->reach = reach;
    frame->is_object = is_object;
    frame->kept = filter->kept;
    frame->n_children = 0;
    frame->n_emitted = 0;
    frame->n_keys_before = filter->keys.n_keys;
    frame->pair = (struct pair){0};
    frame->list = 0;
    frame->element = filter->depth > 1 ? filter->frames[filter->depth - 2].element : 0;
    frame->is_element = false;
    filter->expect = is_object ? EXPECT_FIRST_KEY : EXPECT_FIRST_ELEMENT;
    return filter->cuts != 0 && reach == REACH_OUTPUT ? note_element(filter, node) : FILTER_OK;
}

enum filter_fault structure_close(struct filter *filter)
{
    const struct frame *frame = filter_top(filter);
    if (frame->pair.has_latitude != frame->pair.has_longitude)
        return FILTER_POSITION;
    if (filter->records && frame->node) {
        enum filter_fault fault = close_part(filter, frame->node);
        if (fault != FILTER_OK)
            return fault;
    }
    if (frame->reach == REACH_OUTPUT &&
        !buffer_append(&filter->output, slice_of(frame->is_object ? "}" : "]", 1)))
        return FILTER_TOO_LARGE;
    if (frame->is_element)
        cut_close(&filter->cut, frame->element, filter->output.n);
    key_set_cut(&filter->keys, frame->n_keys_before);
    filter->depth--;
    return end_value(filter);
}

static enum filter_fault take_key(struct filter *filter, const struct token *token)
{
    struct frame *frame = filter_top(filter);
    if (frame->n_children == filter->members_max)
        return FILTER_MEMBERS;
    struct slice name;
    if (!filter_text(filter, token, &name))
        return FILTER_TOO_LARGE;
    uint64_t hash = key_hash(name);
    switch (key_set_add(&filter->keys, hash, filter->depth)) {
    case KEY_NEW:
        break;
    case KEY_DUPLICATE:
        return FILTER_DUPLICATE_KEY;
    case KEY_NO_MEMORY:
        return FILTER_TOO_LARGE;
    }
    frame->n_children++;
    filter->member = frame->node ? path_member(filter->trie, frame->node, name, hash) : NULL;
    filter->expect = EXPECT_COLON;
    return FILTER_OK;
}

enum filter_fault structure_take(struct filter *filter, const struct token *token)
{
    if (token->bytes.n > filter->token_bytes_max)
        return FILTER_TOKEN;
    if (filter->expect == EXPECT_KEY || filter->expect == EXPECT_FIRST_KEY)
        return take_key(filter, token);
    const struct path_node *node = next_node(filter);
    if (node) {
        enum filter_fault fault = field_take_scalar(filter, node, token);
        if (fault != FILTER_OK)
            return fault;
    }
    return end_value(filter);
}
