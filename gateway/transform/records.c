/*
 * records.c - the places are noted in the order of the answer, and sorted by name when all are
 * known
 *
 *     {"type":"people","items":[{"user":"a",...},{"user":"b",...}]}
 *                               from        to
 *
 * Sorting finds whoever comes twice, and forgets the app's order: nothing that is done later can
 * depend on it.
 */
#include "transform/records.h"

#include <stdlib.h>

enum { USERS_START_BYTES = 1024 };

enum sl_err record_list_init(struct record_list *list, const struct limits *limits)
{
    *list = (struct record_list){.n_max = limits->records};
    list->places = calloc(list->n_max, sizeof *list->places);
    if (list->places && buffer_init(&list->users, USERS_START_BYTES, limits->answer_bytes))
        return SL_OK;
    free(list->places);
    *list = (struct record_list){0};
    return SL_EINTERNAL;
}

void record_list_deinit(struct record_list *list)
{
    if (!list->places)
        return;
    buffer_deinit(&list->users);
    free(list->places);
    *list = (struct record_list){0};
}

void record_list_wipe(struct record_list *list)
{
    buffer_wipe(&list->users);
    list->n = 0;
    list->has_list = list->is_open = false;
    list->list_at = 0;
}

bool record_list_open(struct record_list *list, size_t from)
{
    if (list->n == list->n_max)
        return false;
    list->places[list->n++] = (struct record_place){.from = from};
    list->is_open = true;
    return true;
}

bool record_list_set_user(struct record_list *list, struct slice user)
{
    SL_ASSERT(list->is_open);
    struct record_place *place = &list->places[list->n - 1];
    size_t at = list->users.n;
    if (user.n == 0 || place->user_bytes > 0 || !buffer_append(&list->users, user))
        return false;
    place->user_at = at;
    place->user_bytes = user.n;
    return true;
}

bool record_list_close(struct record_list *list, size_t to)
{
    struct record_place *place = &list->places[list->n - 1];
    list->is_open = false;
    place->to = to;
    return place->user_bytes > 0;
}

static struct slice user_of(const struct record_list *list, const struct record_place *place)
{
    return slice_of(list->users.p + place->user_at, place->user_bytes);
}

struct slice record_list_user(const struct record_list *list, size_t i)
{
    SL_ASSERT(i < list->n);
    return user_of(list, &list->places[i]);
}

static int compare(const void *a, const void *b, void *list)
{
    return slice_compare(user_of(list, a), user_of(list, b));
}

bool record_list_sort(struct record_list *list)
{
    qsort_r(list->places, list->n, sizeof *list->places, compare, list);
    for (size_t i = 1; i < list->n; i++)
        if (compare(&list->places[i - 1], &list->places[i], list) == 0)
            return true;
    return false;
}
