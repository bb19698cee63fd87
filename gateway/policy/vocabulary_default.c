/*
 * vocabulary_default.c - policies/vocabulary.yaml inside the binary
 *
 * The assembler includes the file (its path is in a header that the build writes), so that
 * no generator has to run and a program needs no file to know the words it was built with. Its
 * checksum is in the text too, as a comment, so that the object is made anew when the file changes.
 */
#include "policy/vocabulary_default.h"

#include "vocabulary_file.h"

__asm__(".section .rodata\n"
        ".balign 16\n"
        "# " VOCABULARY_SUM "\n"
        "vocabulary_default_first:\n"
        ".incbin \"" VOCABULARY_FILE "\"\n"
        "vocabulary_default_last:\n"
        ".byte 0\n"
        ".previous\n");

extern const uint8_t vocabulary_default_first[] __attribute__((visibility("hidden")));
extern const uint8_t vocabulary_default_last[] __attribute__((visibility("hidden")));

struct slice vocabulary_default_text(void)
{
    return slice_of(vocabulary_default_first, (size_t)((uintptr_t)vocabulary_default_last -
                                                       (uintptr_t)vocabulary_default_first));
}
