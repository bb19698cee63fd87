/*
 * template.c - tools/sluis/template/ inside the binary
 *
 * The assembler includes the files (their paths are in a header that the build writes), so that
 * they stay files that can be read, and need no escaping.
 */
#include "template.h"

#include "template_files.h"

#define INCLUDE_FILE(name, file)                                                                   \
    __asm__(".section .rodata\n"                                                                   \
            ".balign 16\n" name "_first:\n"                                                        \
            ".incbin \"" file "\"\n" name "_last:\n"                                               \
            ".byte 0\n"                                                                            \
            ".previous\n")

INCLUDE_FILE("template_configuration", TEMPLATE_CONFIGURATION_FILE);
INCLUDE_FILE("template_policy", TEMPLATE_POLICY_FILE);

extern const uint8_t template_configuration_first[] __attribute__((visibility("hidden")));
extern const uint8_t template_configuration_last[] __attribute__((visibility("hidden")));
extern const uint8_t template_policy_first[] __attribute__((visibility("hidden")));
extern const uint8_t template_policy_last[] __attribute__((visibility("hidden")));

static struct slice between(const uint8_t *first, const uint8_t *last)
{
    return slice_of(first, (size_t)((uintptr_t)last - (uintptr_t)first));
}

struct slice template_configuration(void)
{
    return between(template_configuration_first, template_configuration_last);
}

struct slice template_policy(void)
{
    return between(template_policy_first, template_policy_last);
}
