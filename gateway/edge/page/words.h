/*
 * words.h - what the page says, in the languages that it speaks
 */
#ifndef SLUIS_EDGE_PAGE_WORDS_H
#define SLUIS_EDGE_PAGE_WORDS_H

#include "base/slice.h"

enum language { LANGUAGE_EN, LANGUAGE_NL, N_LANGUAGES };

enum word {
#define WORD(name, en, nl) WORD_##name,
#include "edge/page/words.def"
#undef WORD
    N_WORDS
};

/* UTF-8, not escaped for HTML. */
const char *word(enum language language, enum word word);
/* "en", "nl": as in `lang` and in the cookie. */
const char *language_code(enum language language);
/* In itself: "English", "Nederlands". */
const char *language_name(enum language language);
bool language_by_code(struct slice code, enum language *out);
/*
 * The first language of an Accept-Language field that the page speaks; English when there is none.
 * Weights are not looked at: browsers put what is wanted first.
 */
enum language language_of_browser(struct slice accept_language);

#endif
