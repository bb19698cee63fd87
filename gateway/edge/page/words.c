/*
 * words.c - the table, and which column of it
 */
#include "edge/page/words.h"

#include "base/err.h"

static const char *const words[N_WORDS][N_LANGUAGES] = {
#define WORD(name, en, nl) [WORD_##name] = {en, nl},
#include "edge/page/words.def"
#undef WORD
};

static const struct {
    const char *code, *name;
} languages[N_LANGUAGES] = {
    [LANGUAGE_EN] = {"en", "English"},
    [LANGUAGE_NL] = {"nl", "Nederlands"},
};

const char *word(enum language language, enum word word)
{
    SL_ASSERT((unsigned)word < N_WORDS && (unsigned)language < N_LANGUAGES);
    return words[word][language];
}

const char *language_code(enum language language)
{
    return languages[language].code;
}

const char *language_name(enum language language)
{
    return languages[language].name;
}

bool language_by_code(struct slice code, enum language *out)
{
    for (int i = 0; i < N_LANGUAGES; i++) {
        if (!slice_equals_str_nocase(code, languages[i].code))
            continue;
        *out = (enum language)i;
        return true;
    }
    return false;
}

enum language language_of_browser(struct slice accept_language)
{
    enum language found = LANGUAGE_EN;
    size_t i = 0;
    while (i < accept_language.n) {
        while (i < accept_language.n &&
               (accept_language.p[i] == ' ' || accept_language.p[i] == ','))
            i++;
        size_t end = i;
        while (end < accept_language.n && accept_language.p[end] != ',')
            end++;
        /* "nl-BE;q=0.8" is Dutch. */
        size_t n = 0;
        while (i + n < end && !memchr("-;, ", accept_language.p[i + n], 4))
            n++;
        if (language_by_code(slice_of(accept_language.p + i, n), &found))
            break;
        i = end;
    }
    return found;
}
