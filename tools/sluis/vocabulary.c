/*
 * vocabulary.c - the words that policies and routes are written in
 */
#include "commands.h"
#include "common/terminal.h"
#include "policy/vocabulary_default.h"
#include "workspace.h"

#include <stdio.h>
#include <unistd.h>

/* The words of `coarsen`; NULL for one that the class can't. */
static const char *way_of(const struct vocabulary_class *class, unsigned i)
{
    if (!(class->dimensions >> i & 1))
        return NULL;
    return i == N_COARSE ? "detail" : i == COARSE_REDACT ? "redact" : dimension_key(i);
}

static void print_label(const struct vocabulary_term *term)
{
    printf("  %-24.*s ", SLICE_PRINTF(term->name));
    print_text(stdout, term->label_en);
}

static void print_vocabulary(const struct vocabulary *vocabulary)
{
    print_styled(stdout, STYLE_STRONG, "data classes");
    printf(" (version %u)\n", vocabulary_version(vocabulary));
    for (size_t i = 0; i < vocabulary_n_classes(vocabulary); i++) {
        const struct vocabulary_class *class = vocabulary_class_at(vocabulary, i);
        print_label(&class->term);
        const char *comma = "; coarsen: ";
        for (unsigned d = 0; d <= N_COARSE; d++) {
            if (!way_of(class, d))
                continue;
            printf("%s%s", comma, way_of(class, d));
            comma = ", ";
        }
        printf("\n");
    }
    print_styled(stdout, STYLE_STRONG, "\npurposes\n");
    for (size_t i = 0; i < vocabulary_n_purposes(vocabulary); i++) {
        print_label(vocabulary_purpose_at(vocabulary, i));
        printf("\n");
    }
    print_styled(stdout, STYLE_STRONG, "\nsituations\n");
    for (size_t i = 0; i < vocabulary_n_situations(vocabulary); i++) {
        print_label(vocabulary_situation_at(vocabulary, i));
        printf("\n");
    }
}

static json_t *term_json(const struct vocabulary_term *term)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "name", json_of_slice(term->name), "en",
                     json_of_slice(term->label_en), "nl", json_of_slice(term->label_nl), "dpv",
                     json_of_slice_or_null(term->dpv));
}

static json_t *class_json(const struct vocabulary_class *class)
{
    json_t *item = term_json(&class->term);
    json_t *coarsen = json_array();
    for (unsigned d = 0; d <= N_COARSE; d++) {
        if (way_of(class, d))
            json_array_append_new(coarsen, json_string(way_of(class, d)));
    }
    json_object_set_new(item, "coarsen", coarsen);
    if (class->coarser)
        json_object_set_new(item, "coarser", json_of_slice(class->coarser->term.name));
    return item;
}

static json_t *vocabulary_json(const struct vocabulary *vocabulary)
{
    json_t *classes = json_array();
    json_t *purposes = json_array();
    json_t *situations = json_array();
    for (size_t i = 0; i < vocabulary_n_classes(vocabulary); i++)
        json_array_append_new(classes, class_json(vocabulary_class_at(vocabulary, i)));
    for (size_t i = 0; i < vocabulary_n_purposes(vocabulary); i++)
        json_array_append_new(purposes, term_json(vocabulary_purpose_at(vocabulary, i)));
    for (size_t i = 0; i < vocabulary_n_situations(vocabulary); i++)
        json_array_append_new(situations, term_json(vocabulary_situation_at(vocabulary, i)));
    return json_pack("{s:I, s:o, s:o, s:o}", "version", (json_int_t)vocabulary_version(vocabulary),
                     "classes", classes, "purposes", purposes, "situations", situations);
}

int vocabulary_run(struct cli *cli)
{
    struct workspace workspace = {0};
    SL_AUTO(vocabulary) built_in = NULL;
    const struct vocabulary *vocabulary = NULL;
    int code = EX_OK;
    if (cli->given[KEY_CONFIG] || access("sluis.yaml", F_OK) == 0) {
        code = workspace_open_config(&workspace, cli);
        vocabulary = code == EX_OK ? workspace.config->vocabulary : NULL;
    } else {
        struct yaml_problems problems;
        yaml_problems_init(&problems, "vocabulary");
        if (vocabulary_load(vocabulary_default_text(), &problems, &built_in) != SL_OK)
            code = cli_fail(cli, EX_SOFTWARE, "the built-in vocabulary can't be read");
        yaml_problems_deinit(&problems);
        vocabulary = built_in;
    }
    if (code == EX_OK && cli->json)
        code = cli_print_json(cli, vocabulary_json(vocabulary));
    else if (code == EX_OK)
        print_vocabulary(vocabulary);
    workspace_close(&workspace);
    return code;
}
