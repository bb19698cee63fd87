/*
 * test_limits_doc.c - docs/limits.md is the table of base/limits.def, as prose
 *
 * Called with --write it writes the file instead of comparing it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/writer.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_BYTES = 65536 };

static const char head[] =
    "# Limits\n"
    "\n"
    "Every limit of Sluis, made from `gateway/base/limits.def`. Where a default stands beside a\n"
    "range, an operator can set the limit under `limits:` in `sluis.yaml`\n"
    "([configuration.md](configuration.md)); the others are part of a format or of the program.\n"
    "\n"
    "## Limits that can be set\n"
    "\n"
    "| name | unit | default | from | to | beyond it | why |\n"
    "|---|---|---:|---:|---:|---|---|\n";

static const char fixed_head[] = "\n"
                                 "## Limits that are fixed\n"
                                 "\n"
                                 "| name | value | beyond it | why |\n"
                                 "|---|---:|---|---|\n";

static void write_settable(struct writer *writer, const struct limit_info *row)
{
    write_str(writer, "| `");
    write_str(writer, row->name);
    write_str(writer, "` | ");
    write_str(writer, row->unit);
    write_str(writer, " | ");
    write_decimal(writer, row->dflt);
    write_str(writer, " | ");
    write_decimal(writer, row->min);
    write_str(writer, " | ");
    write_decimal(writer, row->max);
}

static void write_fixed(struct writer *writer, const struct limit_info *row)
{
    write_str(writer, "| `");
    write_str(writer, row->name);
    write_str(writer, "` | ");
    write_decimal(writer, row->dflt);
    write_str(writer, " ");
    write_str(writer, row->unit);
}

static void write_rows(struct writer *writer, bool fixed)
{
    for (size_t i = 0; i < n_limits; i++) {
        const struct limit_info *row = &limit_table[i];
        if ((row->min == row->max) != fixed)
            continue;
        if (fixed)
            write_fixed(writer, row);
        else
            write_settable(writer, row);
        write_str(writer, " | ");
        write_str(writer, row->beyond);
        write_str(writer, " | ");
        write_str(writer, row->why);
        write_str(writer, " |\n");
    }
}

static struct slice limits_text(void)
{
    static char text[TEXT_BYTES];
    struct writer writer = writer_over(text, sizeof text);
    write_str(&writer, head);
    write_rows(&writer, false);
    write_str(&writer, fixed_head);
    write_rows(&writer, true);
    SL_ASSERT(!writer.overflow);
    return writer_slice(&writer);
}

static void the_document_is_in_step_with_the_table(void **state)
{
    (void)state;
    static char text[TEXT_BYTES];
    FILE *file = fopen(LIMITS_DOC, "rb");
    if (!file)
        fail_msg("%s is missing", LIMITS_DOC);
    SL_ASSERT(file);
    size_t n = fread(text, 1, sizeof text, file);
    fclose(file);
    if (!slice_equals(slice_of(text, n), limits_text()))
        fail_msg("docs/limits.md is out of step with gateway/base/limits.def; run "
                 "tests/unit/config/test_config_limits_doc --write in the build folder");
}

static void a_default_lies_within_its_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_limits; i++) {
        const struct limit_info *row = &limit_table[i];
        assert_in_range(row->dflt, row->min, row->max);
        assert_ptr_equal(limit_find(slice_of_str(row->name)), row);
    }
}

static int write_document(void)
{
    struct slice text = limits_text();
    FILE *file = fopen(LIMITS_DOC, "wb");
    if (!file)
        return 1;
    bool written = fwrite(text.p, 1, text.n, file) == text.n;
    return fclose(file) == 0 && written ? 0 : 1;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_is_in_step_with_the_table),
        cmocka_unit_test(a_default_lies_within_its_range),
    };
    if (argc == 2 && strcmp(argv[1], "--write") == 0)
        return write_document();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
