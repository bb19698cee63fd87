/*
 * form.c - one pass each, nothing guessed
 */
#include "edge/page/form.h"

#include "base/utf8.h"

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes into *room, which is moved on. */
static bool decode(struct slice text, uint8_t **room, struct slice *out)
{
    uint8_t *start = *room, *to = start;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            if (text.n - i < 3 || hex_value(text.p[i + 1]) < 0 || hex_value(text.p[i + 2]) < 0)
                return false;
            c = (uint8_t)(hex_value(text.p[i + 1]) << 4 | hex_value(text.p[i + 2]));
            i += 2;
        }
        if (c == 0)
            return false;
        *to++ = c;
    }
    *room = to;
    *out = slice_of(start, (size_t)(to - start));
    return utf8_is_valid(*out);
}

static struct slice cut_at(struct slice *rest, uint8_t mark)
{
    size_t n = 0;
    while (n < rest->n && rest->p[n] != mark)
        n++;
    struct slice piece = slice_of(rest->p, n);
    const size_t n_gone = n < rest->n ? n + 1 : n;
    *rest = slice_of(rest->p + n_gone, rest->n - n_gone);
    return piece;
}

static bool has_name(const struct form *form, struct slice name)
{
    for (size_t i = 0; i < form->n; i++)
        if (slice_equals(form->fields[i].name, name))
            return true;
    return false;
}

bool form_parse(struct slice body, uint8_t *room, struct form *out)
{
    out->n = 0;
    while (body.n > 0) {
        struct slice value = cut_at(&body, '&');
        struct slice name = cut_at(&value, '=');
        struct slice decoded_name, decoded_value;
        if (out->n == FORM_FIELDS_MAX || name.n == 0 || !decode(name, &room, &decoded_name) ||
            !decode(value, &room, &decoded_value) || has_name(out, decoded_name))
            return false;
        out->fields[out->n].name = decoded_name;
        out->fields[out->n++].value = decoded_value;
    }
    return true;
}

struct slice form_get(const struct form *form, const char *name)
{
    for (size_t i = 0; i < form->n; i++)
        if (slice_equals_str(form->fields[i].name, name))
            return form->fields[i].value;
    return slice_of(NULL, 0);
}

bool cookie_get(struct slice header, const char *name, struct slice *out)
{
    bool found = false;
    while (header.n > 0) {
        struct slice value = cut_at(&header, ';');
        while (value.n > 0 && (value.p[0] == ' ' || value.p[0] == '\t'))
            value = slice_of(value.p + 1, value.n - 1);
        if (!slice_equals_str(cut_at(&value, '='), name))
            continue;
        if (found)
            return false;
        found = true;
        *out = value;
    }
    return found;
}
