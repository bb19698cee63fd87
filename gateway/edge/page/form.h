/*
 * form.h - what a browser sends: form fields and cookies, read strictly
 *
 * Shape   form: name=value pairs of application/x-www-form-urlencoded (WHATWG URL section 5.1),
 *         at most FORM_FIELDS_MAX, no name twice, values in UTF-8 without NUL; else it is no form
 * Owns    nothing; decoded texts lie in the caller's room
 */
#ifndef SLUIS_EDGE_PAGE_FORM_H
#define SLUIS_EDGE_PAGE_FORM_H

#include "base/slice.h"

enum { FORM_FIELDS_MAX = 32 };

struct form {
    size_t n;
    struct {
        struct slice name, value;
    } fields[FORM_FIELDS_MAX];
};

/* `room` has body.n bytes, and holds the texts. */
bool form_parse(struct slice body, uint8_t *room, struct form *out);
/* Empty when there is no such field. */
struct slice form_get(const struct form *form, const char *name);

/*
 * The value of a cookie in a Cookie field (RFC 6265 section 5.4). False when it is not there, or
 * there twice: then somebody else has set one.
 */
bool cookie_get(struct slice header, const char *name, struct slice *out);

#endif
