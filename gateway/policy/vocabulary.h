/*
 * vocabulary.h - the data classes, purposes and situations that policies and routes speak of
 *
 * Shape   read once from vocabulary.yaml; immutable afterwards. A name is known on the hot path
 *         by its code, a 32-bit FNV-1a of the name; the loader refuses two names with one code,
 *         so that codes can be stored in compiled policies without a table.
 * Owns    all of its texts
 * Spec    docs/formats/policy.md
 *
 * A class may name the class it makes known as well (`coarser`): listening.track -> listening.album
 * -> listening.artist -> listening.genre. A grant of a class grants what lies behind it; a
 * refusal of a class refuses every class that would make it known, and every class below it in
 * name (`location` refuses `location.speed` too).
 */
#ifndef SLUIS_POLICY_VOCABULARY_H
#define SLUIS_POLICY_VOCABULARY_H

#include "base/coarseness.h"
#include "base/err.h"
#include "base/slice.h"
#include "yaml/yaml.h"

/* How a class may be coarsened; a bit set. */
enum dimension {
    DIMENSION_PRECISION = 1 << COARSE_PRECISION,
    DIMENSION_TIME = 1 << COARSE_TIME,
    DIMENSION_CUT = 1 << COARSE_CUT,
    DIMENSION_BUCKET = 1 << COARSE_BUCKET,
    DIMENSION_TOP = 1 << COARSE_TOP,
    DIMENSION_REDACT = 1 << COARSE_REDACT,
    DIMENSION_DETAIL = 1 << N_COARSE, /* a class further along `coarser` */
};
/* "precision": the dimension's key in a grant; NULL where a grant can't name it. */
const char *dimension_key(enum coarse_dimension dimension);

struct vocabulary_term {
    struct slice name; /* location.speed */
    uint32_t code;
    struct slice label_en, label_nl;
    struct slice dpv;       /* IRI suffix with prefix: pd:Location */
    struct slice fideslang; /* data classes and purposes; may be empty */
};

/* A part of a class that a field can hold: location.latitude is a part of location. */
struct vocabulary_part {
    struct slice name;
    uint32_t code;
    enum part_form {
        FORM_VALUE,    /* kept or dropped as it is */
        FORM_LATITUDE, /* degrees; snapped together with its longitude */
        FORM_LONGITUDE,
        FORM_GEOHASH, /* of a class that can be less precise */
        FORM_TEXT,    /* what people write; this one and those below are of classes only */
        FORM_TIME,
        FORM_ID,         /* an app's own name of a thing */
        FORM_PERSON,     /* of a person */
        FORM_FIRST_WORD, /* made from finer values as well: see form_is_made() */
        FORM_MONTH,
        FORM_HOUR,
        FORM_AGE_GROUP,
    } form;
};

/* True when a value of the form can be made from one of a class that names its class as coarser. */
bool form_is_made(enum part_form form);

enum { VOCABULARY_PARTS_MAX = 8 };

struct vocabulary_class {
    struct vocabulary_term term;
    unsigned dimensions;                    /* enum dimension bits */
    struct coarseness least;                /* whatever a grant says, it leaves no finer */
    const struct vocabulary_class *coarser; /* or NULL */
    enum part_form form;                    /* of the fields, when there are no parts */
    size_t n_parts;                         /* 0: the class itself is what fields hold */
    struct vocabulary_part parts[VOCABULARY_PARTS_MAX];
};

struct vocabulary;

SL_NODISCARD enum sl_err vocabulary_load(struct slice text, struct yaml_problems *problems,
                                         struct vocabulary **out);
void vocabulary_free(struct vocabulary *vocabulary);
SL_DEFINE_AUTO(vocabulary, vocabulary_free)

/* The `version` of the file, a positive number, and the SHA-256 of its text. */
uint32_t vocabulary_version(const struct vocabulary *vocabulary);
const uint8_t *vocabulary_sha256(const struct vocabulary *vocabulary);
/* The text itself, byte for byte. */
struct slice vocabulary_text(const struct vocabulary *vocabulary);

uint32_t vocabulary_code(struct slice name);
const struct vocabulary_class *vocabulary_class_find(const struct vocabulary *vocabulary,
                                                     struct slice name);
const struct vocabulary_class *vocabulary_class_by_code(const struct vocabulary *vocabulary,
                                                        uint32_t code);
/* The class that has a part of this name (or that is itself this name and has no parts). */
const struct vocabulary_class *vocabulary_class_of_field(const struct vocabulary *vocabulary,
                                                         struct slice name, enum part_form *form);
const struct vocabulary_term *vocabulary_purpose_find(const struct vocabulary *vocabulary,
                                                      struct slice name);
const struct vocabulary_term *vocabulary_situation_find(const struct vocabulary *vocabulary,
                                                        struct slice name);
/* All, in the file's order; for the page, completion and error messages. */
size_t vocabulary_n_classes(const struct vocabulary *vocabulary);
const struct vocabulary_class *vocabulary_class_at(const struct vocabulary *vocabulary, size_t i);
size_t vocabulary_n_purposes(const struct vocabulary *vocabulary);
const struct vocabulary_term *vocabulary_purpose_at(const struct vocabulary *vocabulary, size_t i);
size_t vocabulary_n_situations(const struct vocabulary *vocabulary);
const struct vocabulary_term *vocabulary_situation_at(const struct vocabulary *vocabulary,
                                                      size_t i);

#endif
