/*
 * cut.c - the ends of a route
 *
 *     output   {"points":[{..},{..},{..},{..},{..}]}
 *     elements            1    2    3    4    5        1 and 5 are ends
 *     near an end         x    x              x
 *     left     {"points":[{..},{..}]}
 *
 * Whoever sees where many runs from one home begin to show sees home: were a circle cut out around
 * it, its centre would be known after three of them. So nothing here is measured from the end
 * itself. What is left out is the cell of a grid in which the end lies, as wide as the cut, and
 * one cell's width around it: whoever learns its border learns the cell and no more, which is what
 * a position of that precision would have told (docs/decisions/012-routes-are-cut-by-cells.md).
 *
 * An element is near when the cell of its position as it leaves touches that area, not when its
 * position lies inside: else the border would tell on which side of it a position lay, finer than
 * the precision granted. The ends of every list count for every element of the answer, so that a
 * lap that passes home shows no more of it than the first one.
 *
 * The last end is known when the list has ended, and other lists may follow. So the notes grow
 * with the answer, up to a limit, and the output closes up once, in one pass, when all is known.
 */
#include "transform/cut.h"

#include <openssl/crypto.h>
#include <string.h>

enum { ELEMENTS_START = 16 };

static struct cut_element *element_at(const struct cut *cut, uint32_t number)
{
    SL_ASSERT(number > 0 && number <= cut->elements.n / sizeof(struct cut_element));
    return (struct cut_element *)(void *)cut->elements.p + (number - 1);
}

static uint32_t n_elements(const struct cut *cut)
{
    return (uint32_t)(cut->elements.n / sizeof(struct cut_element));
}

bool cut_init(struct cut *cut, const struct limits *limits)
{
    cut->n_elements_max = limits->cut_elements;
    cut->n_ends_max = limits->cut_ends;
    return buffer_init(&cut->elements, ELEMENTS_START * sizeof(struct cut_element),
                       cut->n_elements_max * sizeof(struct cut_element));
}

void cut_deinit(struct cut *cut)
{
    buffer_deinit(&cut->elements);
}

void cut_wipe(struct cut *cut)
{
    buffer_wipe(&cut->elements);
}

enum filter_fault cut_open(struct cut *cut, const struct cut_element *element, uint32_t *list,
                           uint32_t *number)
{
    if (!buffer_append(&cut->elements, slice_of(element, sizeof *element)))
        return FILTER_TOO_LARGE;
    *number = n_elements(cut);
    if (*list == 0)
        *list = *number;
    element_at(cut, *number)->list = *list;
    return FILTER_OK;
}

void cut_close(struct cut *cut, uint32_t number, size_t to)
{
    element_at(cut, number)->to = to;
}

uint32_t cut_find(const struct cut *cut, uint32_t number, uint8_t class_index)
{
    while (number > 0 && !(element_at(cut, number)->classes >> class_index & 1))
        number = element_at(cut, number)->outer;
    return number;
}

enum filter_fault cut_place(struct cut *cut, uint32_t number, struct position position,
                            const struct coarseness *coarseness)
{
    struct cut_element *element = element_at(cut, number);
    if (element->has_position)
        return FILTER_POSITION;
    element->has_position = true;
    element->position = position;
    element->cell = position_cell(position, coarseness->by[COARSE_PRECISION]);
    element->cut_m = coarseness->by[COARSE_CUT];
    struct cut_element *first = element_at(cut, element->list);
    if (first->first_end == 0)
        first->first_end = number;
    first->last_end = number;
    return FILTER_OK;
}

void cut_shift(struct cut *cut, size_t at, size_t n_bytes)
{
    for (uint32_t i = n_elements(cut); i > 0 && element_at(cut, i)->from > at; i--) {
        element_at(cut, i)->from -= n_bytes;
        element_at(cut, i)->to -= element_at(cut, i)->to > 0 ? n_bytes : 0;
    }
}

static bool is_same_cell(const struct cell *a, const struct cell *b)
{
    return a->centre.latitude == b->centre.latitude && a->centre.longitude == b->centre.longitude &&
           a->half_height == b->half_height && a->half_width == b->half_width;
}

/* What is left out around ends; many routes from one home have one. */
struct areas {
    size_t n, n_max;
    struct cell cells[LIMIT_MAX_cut_ends];
};

static enum filter_fault add_area(struct areas *areas, const struct cut_element *end)
{
    const struct cell area = position_surroundings(end->position, end->cut_m);
    for (size_t i = 0; i < areas->n; i++) {
        if (is_same_cell(&areas->cells[i], &area))
            return FILTER_OK;
    }
    if (areas->n == areas->n_max)
        return FILTER_TOO_LARGE;
    areas->cells[areas->n++] = area;
    return FILTER_OK;
}

static enum filter_fault find_areas(const struct cut *cut, struct areas *areas)
{
    enum filter_fault fault = FILTER_OK;
    for (uint32_t i = 1; fault == FILTER_OK && i <= n_elements(cut); i++) {
        const struct cut_element *first = element_at(cut, i);
        if (first->first_end == 0)
            continue;
        fault = add_area(areas, element_at(cut, first->first_end));
        if (fault == FILTER_OK)
            fault = add_area(areas, element_at(cut, first->last_end));
    }
    return fault;
}

static bool stays(const struct areas *areas, const struct cut_element *element)
{
    for (size_t i = 0; element->has_position && i < areas->n; i++) {
        if (cells_touch(&areas->cells[i], &element->cell))
            return false;
    }
    return element->has_position;
}

/* Moves the bytes up to `end` to where the output has got to; reading goes on at `next`. */
static void move_up(struct buffer *output, size_t *n_left, size_t *at, size_t end, size_t next)
{
    memmove(output->p + *n_left, output->p + *at, end - *at);
    *n_left += end - *at;
    *at = next;
}

enum filter_fault cut_apply(struct cut *cut, struct buffer *output)
{
    struct areas areas;
    areas.n = 0;
    areas.n_max = cut->n_ends_max;
    const enum filter_fault fault = find_areas(cut, &areas);
    size_t n_left = 0;
    size_t at = 0;
    for (uint32_t i = 1; fault == FILTER_OK && i <= n_elements(cut); i++) {
        const struct cut_element *element = element_at(cut, i);
        struct cut_element *first = element_at(cut, element->list);
        const size_t before = element->from - element->has_comma;
        if (element->from < at) /* inside one that is left out */
            continue;
        if (!stays(&areas, element))
            move_up(output, &n_left, &at, before, element->to);
        else if (first->n_left++ == 0)
            move_up(output, &n_left, &at, before, element->from);
    }
    if (fault == FILTER_OK && at > 0) {
        move_up(output, &n_left, &at, output->n, output->n);
        buffer_cut(output, n_left);
    }
    OPENSSL_cleanse(&areas, sizeof areas);
    return fault;
}
