#include "naive_filter.h"

#include "base/timestamp.h"
#include "transform/coarsen.h"
#include "transform/redact.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NAIVE_ENDS_MAX = 256 };

/* Where a value stands: the names and indices that lead to it. */
struct place {
    size_t n;
    struct step step[STEPS_MAX + 1];
};

struct walk {
    const struct naive_route *route;
    const struct reduction *reduction;
    struct place place;
    unsigned faults;
    unsigned used_up; /* bit i: enough elements with class i have left, here */
    uint32_t n_elements[LIMIT_MAX_route_classes];
    unsigned in_element; /* bit i: inside an element of a list of class i, whose ends are cut */
    bool is_cutting;     /* the areas around all ends are known */
    size_t n_areas;
    struct cell areas[NAIVE_ENDS_MAX];
};

bool naive_route_add(struct naive_route *route, struct path_trie *trie, const char *path,
                     struct path_field field)
{
    size_t fault_at;
    if (strlen(path) > NAIVE_NAMES_BYTES ||
        path_trie_add(trie, slice_of_str(path), field, &fault_at) != PATH_OK)
        return false;
    struct naive_field *added = &route->fields[route->n_fields++];
    added->field = field;
    return steps_parse(slice_of_str(path), added->names, &added->steps, &fault_at) == STEPS_OK;
}

static bool step_leads_to(const struct step *step, const struct step *to)
{
    if (step->kind == STEP_ANY)
        return to->kind == STEP_INDEX;
    if (step->kind != to->kind)
        return false;
    return step->kind == STEP_NAME ? slice_equals(step->name, to->name) : step->index == to->index;
}

/* The first `n_place` steps of the field's path lead to the place (or to where it begins). */
static bool leads_to(const struct naive_field *field, const struct place *place, size_t n_place)
{
    if (field->steps.n < n_place)
        return false;
    for (size_t i = 0; i < n_place; i++)
        if (!step_leads_to(&field->steps.step[i], &place->step[i]))
            return false;
    return true;
}

static bool has_class(const struct naive_field *field)
{
    return form_has_class(field->field.form);
}

static bool is_half(const struct naive_field *field)
{
    return field->field.form == FIELD_LATITUDE || field->field.form == FIELD_LONGITUDE;
}

static bool is_kept(const struct walk *walk, const struct naive_field *field)
{
    return field->field.class_index < walk->reduction->n_classes &&
           !(walk->used_up >> field->field.class_index & 1) &&
           walk->reduction->classes[field->field.class_index].keep;
}

static const struct naive_field *field_here(const struct walk *walk)
{
    for (size_t i = 0; i < walk->route->n_fields; i++) {
        const struct naive_field *field = &walk->route->fields[i];
        if (field->steps.n == walk->place.n && leads_to(field, &walk->place, walk->place.n))
            return field;
    }
    return NULL;
}

static json_t *fault(struct walk *walk, enum filter_fault kind)
{
    walk->faults |= 1u << kind;
    return NULL;
}

static bool is_subject(const struct walk *walk, const json_t *value)
{
    if (json_is_string(value))
        return slice_equals(slice_of(json_string_value(value), json_string_length(value)),
                            walk->reduction->user);
    char digits[32];
    snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(value));
    return json_is_integer(value) && slice_equals_str(walk->reduction->user, digits);
}

/* 0001-01-01 to 9999-12-31. */
static bool has_four_digit_year(double time_ms)
{
    return time_ms >= -62135596800000.0 && time_ms < 253402300800000.0;
}

static json_t *reduce_time_text(struct walk *walk, const json_t *value)
{
    int64_t time_ms;
    if (!timestamp_parse(slice_of(json_string_value(value), json_string_length(value)), &time_ms) ||
        !has_four_digit_year((double)time_ms))
        return fault(walk, FILTER_TIME);
    if (walk->reduction->time_s == 0)
        return json_deep_copy(value);
    time_t start_s = (time_t)(coarsen_time(time_ms, walk->reduction->time_s) / 1000);
    if (!has_four_digit_year((double)start_s * 1000))
        return fault(walk, FILTER_TIME);
    struct tm civil;
    char text[80];
    gmtime_r(&start_s, &civil);
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", civil.tm_year + 1900,
             civil.tm_mon + 1, civil.tm_mday, civil.tm_hour, civil.tm_min, civil.tm_sec);
    return json_string(text);
}

static json_t *reduce_time(struct walk *walk, const json_t *value)
{
    if (json_is_null(value))
        return json_null();
    if (json_is_string(value))
        return reduce_time_text(walk, value);
    if (!json_is_number(value))
        return fault(walk, FILTER_TIME);
    double time = floor(json_number_value(value));
    bool is_seconds = fabs(time) < 1e11;
    if (!has_four_digit_year(is_seconds ? time * 1000 : time))
        return fault(walk, FILTER_TIME);
    if (walk->reduction->time_s == 0)
        return json_deep_copy(value);
    double bucket = walk->reduction->time_s * (is_seconds ? 1.0 : 1000.0);
    return json_integer((json_int_t)(floor(time / bucket) * bucket));
}

/* The other half of the position, or NULL. */
static const json_t *partner_of(const struct walk *walk, const struct naive_field *field,
                                const json_t *container)
{
    enum field_form other_form =
        field->field.form == FIELD_LATITUDE ? FIELD_LONGITUDE : FIELD_LATITUDE;
    size_t n_parent = walk->place.n - 1;
    for (size_t i = 0; i < walk->route->n_fields; i++) {
        const struct naive_field *other = &walk->route->fields[i];
        if (other->field.form != other_form || other->steps.n != walk->place.n ||
            !leads_to(other, &walk->place, n_parent))
            continue;
        const struct step *step = &other->steps.step[n_parent];
        if (step->kind == STEP_NAME)
            return json_object_getn(container, (const char *)step->name.p, step->name.n);
        return json_array_get(container, step->index);
    }
    return NULL;
}

static json_t *reduce_position(struct walk *walk, const struct naive_field *field,
                               const json_t *container, const json_t *value)
{
    const json_t *partner = partner_of(walk, field, container);
    const uint8_t class_index = field->field.class_index;
    const bool is_cut = walk->reduction->classes[class_index].coarseness.by[COARSE_CUT] > 0;
    const bool is_in_list = walk->in_element >> class_index & 1;
    if (json_is_null(value) && json_is_null(partner))
        return is_cut && !is_in_list ? NULL : json_null();
    if (!json_is_number(value) || !json_is_number(partner))
        return fault(walk, FILTER_POSITION);
    bool is_latitude = field->field.form == FIELD_LATITUDE;
    double own = json_number_value(value);
    double other = json_number_value(partner);
    struct position position = {is_latitude ? own : other, is_latitude ? other : own};
    if (!position_is_on_globe(position))
        return fault(walk, FILTER_POSITION);
    if (is_cut && !is_in_list)
        return NULL;
    uint32_t metres =
        walk->reduction->classes[field->field.class_index].coarseness.by[COARSE_PRECISION];
    if (metres == 0)
        return json_deep_copy(value);
    struct position cell = coarsen_position(position, metres);
    return json_real(is_latitude ? cell.latitude : cell.longitude);
}

/* A text is a number when jansson reads it as one, without blanks around it. */
static json_t *parse_number(const json_t *text)
{
    struct slice bytes = slice_of(json_string_value(text), json_string_length(text));
    bool is_overflow;
    bool has_end = bytes.n > 0 && bytes.p[0] > ' ' && bytes.p[bytes.n - 1] > ' ';
    json_t *number = has_end ? naive_parse(bytes, &is_overflow) : NULL;
    if (json_is_number(number))
        return number;
    json_decref(number);
    return NULL;
}

static json_t *reduce_number(struct walk *walk, const struct naive_field *field,
                             const json_t *value)
{
    const uint32_t thousandths =
        walk->reduction->classes[field->field.class_index].coarseness.by[COARSE_BUCKET];
    if (json_is_null(value))
        return json_null();
    if (json_is_object(value) || json_is_array(value))
        return NULL;
    json_t *parsed = json_is_string(value) ? parse_number(value) : NULL;
    const json_t *number = parsed ? parsed : value;
    if (!json_is_number(number))
        return fault(walk, FILTER_NUMBER);
    const double whole = floor(json_number_value(number) * 1000 + 1e-7);
    const double start = floor(whole / thousandths) * thousandths / 1000;
    json_decref(parsed);
    if (fabs(whole) > 1e18)
        return fault(walk, FILTER_NUMBER);
    if (!json_is_string(value))
        return json_real(start);
    char text[64];
    snprintf(text, sizeof text, "%.10g", start == 0 ? 0 : start);
    return json_string(text);
}

/* The matching has tests of its own; here it counts that it is done, to the unescaped text. */
static json_t *redact_string(const char *bytes, size_t n, struct slice user)
{
    bool has_taken = false;
    uint8_t *text = malloc(n + 1);
    if (n > 0)
        memcpy(text, bytes, n);
    const struct slice left = slice_of(text, redact_text(text, n, user, &has_taken));
    uint8_t *written = malloc(redact_write(left, NULL));
    bool is_overflow;
    json_t *result = naive_parse(slice_of(written, redact_write(left, written)), &is_overflow);
    free(written);
    free(text);
    return result;
}

/* How a fraction was written can't be seen on the tree, so either outcome is right for it. */
static json_t *reduce_text(const json_t *value, struct slice user)
{
    char digits[32];
    if (json_is_string(value))
        return redact_string(json_string_value(value), json_string_length(value), user);
    if (json_is_real(value))
        return json_string(NAIVE_NUMBER_OR_REDACTED);
    if (!json_is_integer(value))
        return json_is_object(value) || json_is_array(value) ? NULL : json_deep_copy(value);
    const int n = snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(value));
    json_t *text = redact_string(digits, (size_t)n, user);
    if (strcmp(json_string_value(text), digits) != 0)
        return text;
    json_decref(text);
    return json_deep_copy(value);
}

/* The names of the model have no commas, and none of them is written without spaces. */
static json_t *reduce_name(struct walk *walk, const json_t *value)
{
    if (json_is_null(value))
        return json_null();
    if (!json_is_string(value))
        return fault(walk, FILTER_VALUE);
    const char *text = json_string_value(value);
    size_t n = json_string_length(value), at = 0, end;
    if (memchr(text, '@', n))
        return json_null();
    while (at < n && (unsigned char)text[at] <= ' ')
        at++;
    for (end = at; end < n && (unsigned char)text[end] > ' ';)
        end++;
    return end > at ? json_stringn(text + at, end - at) : json_null();
}

/* Of a class that is cut, and in no element that has a position. */
static bool is_out_of_place(const struct walk *walk, const struct naive_field *field)
{
    const size_t n = field->steps.n;
    return walk->reduction->classes[field->field.class_index].coarseness.by[COARSE_CUT] > 0 &&
           (!(walk->in_element >> field->field.class_index & 1) || n == 0 ||
            field->steps.step[n - 1].kind != STEP_NAME);
}

static json_t *reduce_field(struct walk *walk, const struct naive_field *field,
                            const json_t *container, const json_t *value, bool emitting)
{
    if (field->field.form == FIELD_SUBJECT && !is_subject(walk, value))
        return fault(walk, FILTER_SUBJECT);
    if (!emitting || (has_class(field) && !is_kept(walk, field)))
        return NULL;
    if (has_class(field) && !is_half(field) && is_out_of_place(walk, field))
        return NULL;
    switch (field->field.form) {
    case FIELD_SUBJECT:
        return json_stringn((const char *)walk->reduction->pseudonym.p,
                            walk->reduction->pseudonym.n);
    case FIELD_TIME:
        return reduce_time(walk, value);
    case FIELD_LATITUDE:
    case FIELD_LONGITUDE:
        return reduce_position(walk, field, container, value);
    case FIELD_VALUE:
        if (walk->reduction->classes[field->field.class_index].coarseness.by[COARSE_BUCKET] > 0)
            return reduce_number(walk, field, value);
        if (walk->reduction->classes[field->field.class_index].coarseness.by[COARSE_REDACT] > 0)
            return reduce_text(value, walk->reduction->user);
        break;
    case FIELD_FIRST_WORD:
        return json_is_object(value) || json_is_array(value) ? NULL : reduce_name(walk, value);
    case FIELD_STRUCTURE:
    default: /* derived values have tests of their own */
        break;
    }
    return json_is_object(value) || json_is_array(value) ? NULL : json_deep_copy(value);
}

/* Whether the route has fields below this container, and whether it is to be emitted for them. */
static bool look_below(const struct walk *walk, bool is_object, bool *is_alive)
{
    bool any_field = false;
    bool any_class = false;
    bool any_kept = false;
    for (size_t i = 0; i < walk->route->n_fields; i++) {
        const struct naive_field *field = &walk->route->fields[i];
        if (field->steps.n <= walk->place.n || !leads_to(field, &walk->place, walk->place.n) ||
            (field->steps.step[walk->place.n].kind == STEP_NAME) != is_object)
            continue;
        any_field = true;
        any_class = any_class || has_class(field);
        any_kept = any_kept || (has_class(field) && is_kept(walk, field));
    }
    *is_alive = any_kept || !any_class;
    return any_field;
}

static json_t *reduce(struct walk *walk, const json_t *container, const json_t *value,
                      bool emitting);

static void reduce_members(struct walk *walk, const json_t *object, json_t *result)
{
    struct step *step = &walk->place.step[walk->place.n - 1];
    const char *key;
    size_t key_bytes;
    json_t *value;
    json_t *unchanged = json_copy((json_t *)(uintptr_t)object);
    json_object_keylen_foreach(unchanged, key, key_bytes, value)
    {
        *step = (struct step){.kind = STEP_NAME, .name = slice_of(key, key_bytes)};
        json_t *child = reduce(walk, object, value, result != NULL);
        if (result && child)
            json_object_setn_new(result, key, key_bytes, child);
        else
            json_decref(child);
    }
    json_decref(unchanged);
}

/* A field of the class is this element, or lies in it without another list in between. */
static bool element_holds(const struct walk *walk, size_t class_index)
{
    for (size_t i = 0; i < walk->route->n_fields; i++) {
        const struct naive_field *field = &walk->route->fields[i];
        bool in_list = false;
        if (!has_class(field) || field->field.class_index != class_index ||
            !leads_to(field, &walk->place, walk->place.n))
            continue;
        const size_t n_steps = field->steps.n - is_half(field);
        for (size_t k = walk->place.n; k < n_steps; k++)
            in_list = in_list || field->steps.step[k].kind != STEP_NAME;
        in_list = in_list || n_steps < walk->place.n;
        if (!in_list)
            return true;
    }
    return false;
}

static void count_element(struct walk *walk)
{
    for (size_t i = 0; i < walk->reduction->n_classes; i++) {
        const struct reduction_entry *entry = &walk->reduction->classes[i];
        const uint32_t top = entry->coarseness.by[COARSE_TOP];
        if (top == 0 || !entry->keep || walk->used_up >> i & 1)
            continue;
        if (walk->n_elements[i] == top)
            walk->used_up |= 1u << i;
        else
            walk->n_elements[i] += element_holds(walk, i);
    }
}

/* The place is an element by [*]; all fields that lead through it say the same. */
static bool is_any_element(const struct walk *walk)
{
    for (size_t i = 0; i < walk->route->n_fields; i++) {
        const struct naive_field *field = &walk->route->fields[i];
        if (leads_to(field, &walk->place, walk->place.n))
            return field->steps.step[walk->place.n - 1].kind == STEP_ANY;
    }
    return false;
}

static unsigned cut_classes(const struct walk *walk)
{
    unsigned classes = 0;
    for (size_t i = 0; i < walk->reduction->n_classes; i++) {
        const struct reduction_entry *entry = &walk->reduction->classes[i];
        if (entry->keep && entry->coarseness.by[COARSE_CUT] > 0 && !(walk->used_up >> i & 1) &&
            element_holds(walk, i) && is_any_element(walk))
            classes |= 1u << i;
    }
    return classes;
}

static const json_t *child_of(const json_t *value, const struct step *step)
{
    return step->kind == STEP_NAME
               ? json_object_getn(value, (const char *)step->name.p, step->name.n)
               : json_array_get(value, step->index);
}

/* How many positions of these classes the element holds, and the last of them with its class. */
static size_t find_positions(struct walk *walk, unsigned classes, const json_t *element,
                             struct position *position, uint8_t *class_index)
{
    size_t n = 0;
    for (size_t i = 0; i < walk->route->n_fields; i++) {
        const struct naive_field *field = &walk->route->fields[i];
        const size_t n_element = walk->place.n;
        if (field->field.form != FIELD_LATITUDE || !(classes >> field->field.class_index & 1) ||
            field->steps.n <= n_element || !leads_to(field, &walk->place, n_element))
            continue;
        const json_t *container = element;
        for (size_t k = n_element; container && k + 1 < field->steps.n; k++)
            container = field->steps.step[k].kind == STEP_NAME
                            ? child_of(container, &field->steps.step[k])
                            : NULL;
        const struct place before = walk->place;
        for (size_t k = n_element; k < field->steps.n; k++)
            walk->place.step[k] = field->steps.step[k];
        walk->place.n = field->steps.n;
        const json_t *latitude = child_of(container, &field->steps.step[field->steps.n - 1]);
        const json_t *longitude = container ? partner_of(walk, field, container) : NULL;
        walk->place = before;
        if (!json_is_number(latitude) || !json_is_number(longitude))
            continue;
        *position = (struct position){json_number_value(latitude), json_number_value(longitude)};
        *class_index = field->field.class_index;
        n++;
    }
    return n;
}

/* The two ends of one list, as far as it was read. */
struct ends {
    size_t n;
    struct cell cells[2];
};

/* Whether the element, at walk->place, stays; notes it for the ends of its list. */
static bool element_stays(struct walk *walk, unsigned classes, const json_t *element,
                          struct ends *ends)
{
    struct position position;
    uint8_t class_index;
    const size_t n = find_positions(walk, classes, element, &position, &class_index);
    if (n > 1)
        fault(walk, FILTER_POSITION);
    if (n != 1 || !position_is_on_globe(position))
        return false;
    const struct coarseness *coarseness = &walk->reduction->classes[class_index].coarseness;
    ends->cells[ends->n > 0] = position_surroundings(position, coarseness->by[COARSE_CUT]);
    ends->n = ends->n > 0 ? 2 : 1;
    const struct cell cell = position_cell(position, coarseness->by[COARSE_PRECISION]);
    bool is_near = false;
    for (size_t i = 0; i < walk->n_areas; i++)
        is_near = is_near || cells_touch(&walk->areas[i], &cell);
    return !is_near;
}

static void reduce_elements(struct walk *walk, const json_t *array, json_t *result)
{
    struct step *step = &walk->place.step[walk->place.n - 1];
    const unsigned used_up = walk->used_up, in_element = walk->in_element;
    struct ends ends = {0};
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *element = json_array_get(array, i);
        *step = (struct step){.kind = STEP_INDEX, .index = (uint32_t)i};
        walk->used_up = used_up;
        if (result)
            count_element(walk);
        const unsigned classes = result ? cut_classes(walk) : 0;
        walk->in_element = in_element | classes;
        json_t *child = reduce(walk, array, element, result != NULL);
        const bool stays = classes == 0 || !child || element_stays(walk, classes, element, &ends);
        if (result && child && (stays || !walk->is_cutting))
            json_array_append_new(result, child);
        else
            json_decref(child);
    }
    for (size_t i = 0; !walk->is_cutting && i < ends.n; i++)
        walk->areas[walk->n_areas++] = ends.cells[i];
    walk->used_up = used_up;
    walk->in_element = in_element;
}

static json_t *reduce(struct walk *walk, const json_t *container, const json_t *value,
                      bool emitting)
{
    const struct naive_field *field = field_here(walk);
    if (field)
        return reduce_field(walk, field, container, value, emitting);
    bool is_object = json_is_object(value);
    bool is_alive;
    if (!is_object && !json_is_array(value))
        return NULL;
    if (!look_below(walk, is_object, &is_alive) || walk->place.n == STEPS_MAX)
        return NULL;
    json_t *result = emitting && is_alive ? (is_object ? json_object() : json_array()) : NULL;
    walk->place.n++;
    if (is_object)
        reduce_members(walk, value, result);
    else
        reduce_elements(walk, value, result);
    walk->place.n--;
    return result;
}

json_t *naive_reduce(const struct naive_route *route, const struct reduction *reduction,
                     const json_t *root, unsigned *faults)
{
    struct walk walk = {.route = route, .reduction = reduction};
    json_t *whole = reduce(&walk, NULL, root, true);
    json_decref(whole);
    walk.is_cutting = true;
    memset(walk.n_elements, 0, sizeof walk.n_elements);
    json_t *result = reduce(&walk, NULL, root, true);
    if (!result)
        fault(&walk, FILTER_SHAPE);
    *faults = walk.faults;
    return result;
}

json_t *naive_parse(struct slice text, bool *is_overflow)
{
    json_error_t error;
    json_t *root = json_loadb((const char *)text.p, text.n,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    *is_overflow = !root && json_error_code(&error) == json_error_numeric_overflow;
    return root;
}

static bool equal_objects(const json_t *a, const json_t *b)
{
    if (json_object_size(a) != json_object_size(b))
        return false;
    const char *key;
    size_t key_bytes;
    json_t *value;
    bool equal = true;
    json_t *unchanged = json_copy((json_t *)(uintptr_t)a);
    json_object_keylen_foreach(unchanged, key, key_bytes, value)
    {
        const json_t *other = json_object_getn(b, key, key_bytes);
        equal = equal && other && naive_equal(value, other);
    }
    json_decref(unchanged);
    return equal;
}

bool naive_equal(const json_t *a, const json_t *b)
{
    if (json_is_string(b) && strcmp(json_string_value(b), NAIVE_NUMBER_OR_REDACTED) == 0)
        return json_is_number(a) || (json_is_string(a) && strstr(json_string_value(a), "[number]"));
    if (json_is_number(a) && json_is_number(b))
        return json_is_integer(a) && json_is_integer(b)
                   ? json_integer_value(a) == json_integer_value(b)
                   : json_number_value(a) == json_number_value(b);
    if (json_is_object(a) && json_is_object(b))
        return equal_objects(a, b);
    if (!json_is_array(a) || !json_is_array(b))
        return json_equal(a, b);
    bool equal = json_array_size(a) == json_array_size(b);
    for (size_t i = 0; equal && i < json_array_size(a); i++)
        equal = naive_equal(json_array_get(a, i), json_array_get(b, i));
    return equal;
}
