/* The JSON scanner: what it accepts, what it refuses and where, and what events it tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/json.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct {
  const char *text;
  size_t len;
  const char *events; /* of an accepted text, as trace() writes them; NULL: not looked at */
  size_t offset;      /* of a refused text */
} sample;

#define YES(text) { text, sizeof(text) - 1, NULL, 0 }
#define GIVES(text, events) { text, sizeof(text) - 1, events, 0 }
#define NO(text, offset) { text, sizeof(text) - 1, NULL, offset }

static const sample accepted[] = {
  /* structure */
  GIVES("[]", "[ ]"),
  GIVES("{}", "{ }"),
  GIVES("[[]]", "[ [ ] ]"),
  GIVES("[{}]", "[ { } ]"),
  GIVES("{\"a\":{}}", "{ K<a> { } }"),
  GIVES("{\"a\":[]}", "{ K<a> [ ] }"),
  GIVES("[[],[],{}]", "[ [ ] [ ] { } ]"),
  GIVES("[1,2,3]", "[ I<1> I<2> I<3> ]"),
  GIVES("{\"a\":1,\"b\":[true,false,null]}", "{ K<a> I<1> K<b> [ true false null ] }"),
  GIVES("{\"a\":1,\"a\":2}", "{ K<a> I<1> K<a> I<2> }"),
  GIVES("{\"\":0}", "{ K<> I<0> }"),
  GIVES("[[1],{\"a\":[{\"b\":2}]},3]", "[ [ I<1> ] { K<a> [ { K<b> I<2> } ] } I<3> ]"),
  GIVES("[null]", "[ null ]"),
  GIVES("[null,1,\"1\",{}]", "[ null I<1> S<1> { } ]"),
  /* a value alone */
  GIVES("null", "null"),
  GIVES("true", "true"),
  GIVES("false", "false"),
  GIVES("0", "I<0>"),
  GIVES("\"\"", "S<>"),
  GIVES("\"asd\"", "S<asd>"),
  GIVES("-0.1", "F<-0.1>"),
  GIVES("42", "I<42>"),
  /* space */
  GIVES(" [] ", "[ ]"),
  GIVES("\t\r\n [ \t\r\n ] \t\r\n ", "[ ]"),
  GIVES("[ 1 , 2 ]", "[ I<1> I<2> ]"),
  GIVES("{ \"a\" : 1 , \"b\" : 2 }", "{ K<a> I<1> K<b> I<2> }"),
  GIVES("{\"a\"\n:\n1\n}", "{ K<a> I<1> }"),
  GIVES("1 ", "I<1>"),
  GIVES("\n1", "I<1>"),
  GIVES("\"a\"\n", "S<a>"),
  YES("[\n\n]"),
  YES("{\r\n}"),
  /* integers */
  GIVES("[-1]", "[ I<-1> ]"),
  GIVES("[10]", "[ I<10> ]"),
  GIVES("[1234567890123456789]", "[ I<1234567890123456789> ]"),
  GIVES("9223372036854775807", "I<9223372036854775807>"),
  GIVES("-9223372036854775808", "I<-9223372036854775808>"),
  GIVES("123456789012345678901234567890", "I<123456789012345678901234567890>"),
  GIVES("[-123]", "[ I<-123> ]"),
  GIVES("[100000000000000000000]", "[ I<100000000000000000000> ]"),
  /* floats */
  GIVES("-0", "F<-0>"),
  GIVES("[-0]", "[ F<-0> ]"),
  GIVES("-0.0", "F<-0.0>"),
  GIVES("0.0", "F<0.0>"),
  GIVES("1.0", "F<1.0>"),
  GIVES("1.5e3", "F<1.5e3>"),
  GIVES("1E22", "F<1E22>"),
  GIVES("1e+2", "F<1e+2>"),
  GIVES("1e-2", "F<1e-2>"),
  GIVES("1E+2", "F<1E+2>"),
  GIVES("0e1", "F<0e1>"),
  GIVES("0e+1", "F<0e+1>"),
  GIVES("-0e1", "F<-0e1>"),
  GIVES("1e007", "F<1e007>"),
  GIVES("123.456e78", "F<123.456e78>"),
  GIVES("[123.456789]", "[ F<123.456789> ]"),
  GIVES("-0.000000000000000000000000000000000000000000000000000000000000000000000000000001",
        "F<-0.000000000000000000000000000000000000000000000000000000000000000000000000000001>"),
  /* strings */
  GIVES("\"a b\"", "S<a b>"),
  GIVES("\"\\\"\"", "E<\\\">"),
  GIVES("\"\\\\\"", "E<\\\\>"),
  GIVES("\"\\/\\b\\f\\n\\r\\t\"", "E<\\/\\b\\f\\n\\r\\t>"),
  GIVES("\"\\u0000\"", "E<\\u0000>"),
  GIVES("\"\\u00e9\\u00E9\"", "E<\\u00e9\\u00E9>"),
  GIVES("\"\\uD834\\uDD1E\"", "E<\\uD834\\uDD1E>"),
  GIVES("\"\\uDBFF\\uDFFF\"", "E<\\uDBFF\\uDFFF>"),
  GIVES("\"\\ud800\\udc00x\"", "E<\\ud800\\udc00x>"),
  GIVES("\"\\uD7FF\\uE000\"", "E<\\uD7FF\\uE000>"),
  GIVES("\"\\\\u0000\"", "E<\\\\u0000>"),
  GIVES("\"\\\\\\\"\"", "E<\\\\\\\">"),
  GIVES("{\"\\n\":1}", "{ EK<\\n> I<1> }"),
  GIVES("\"/\"", "S</>"),
  GIVES("\"\x7F\"", "S<\x7F>"),
  GIVES("\"[{,:}]\"", "S<[{,:}]>"),
  GIVES("\"\\uFFFE\\uFFFF\"", "E<\\uFFFE\\uFFFF>"),
  GIVES("[\"a\",\"bb\",\"ccc\",\"dddd\",\"eeeee\",\"ffffff\",\"ggggggg\",\"hhhhhhhh\",\"iiiiiiiii\"]",
        "[ S<a> S<bb> S<ccc> S<dddd> S<eeeee> S<ffffff> S<ggggggg> S<hhhhhhhh> S<iiiiiiiii> ]"),
  GIVES("\"1234567\\n89abcdef\\\"\"", "E<1234567\\n89abcdef\\\">"),
  /* UTF-8: the first and the last character of each length, and around the surrogates */
  GIVES("\"\xC2\x80\xDF\xBF\"", "S<\xC2\x80\xDF\xBF>"),
  GIVES("\"\xE0\xA0\x80\xEF\xBF\xBF\"", "S<\xE0\xA0\x80\xEF\xBF\xBF>"),
  GIVES("\"\xED\x9F\xBF\xEE\x80\x80\"", "S<\xED\x9F\xBF\xEE\x80\x80>"),
  GIVES("\"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\"", "S<\xF0\x90\x80\x80\xF4\x8F\xBF\xBF>"),
  YES("\"caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\""),
  YES("{\"\xC3\xA9\":\"\xD0\x96\"}"),
  YES("\"1234567\xC3\xA9\""),
  YES("\"12345678\xC3\xA9\""),
  YES("\"\xE2\x80\xA8\xE2\x80\xA9\""), /* line separators: no JavaScript here */
  YES("\"\xEF\xBB\xBF\""),             /* the byte-order mark is a character like another inside a string */
};

static const sample refused[] = {
  /* nothing, or not the whole */
  NO("", 0),
  NO(" ", 1),
  NO("\n\t ", 3),
  NO("[", 1),
  NO("{", 1),
  NO("[1", 2),
  NO("[1,", 3),
  NO("[[[", 3),
  NO("{\"a\"", 4),
  NO("{\"a\":", 5),
  NO("{\"a\":1", 6),
  NO("{\"a\":1,", 7),
  NO("[\"a\"", 4),
  NO("[\"a", 3),
  NO("\"", 1),
  NO("\"abc", 4),
  NO("\"abcdefghij", 11),
  NO("[{}", 3),
  /* brackets */
  NO("]", 0),
  NO("}", 0),
  NO("[}", 1),
  NO("{]", 1),
  NO("[1}", 2),
  NO("{\"a\":1]", 6),
  NO("[[]", 3),
  NO("[]]", 2),
  NO("{}}", 2),
  NO("[{\"a\":[}]", 7),
  /* commas and colons */
  NO("[,]", 1),
  NO("[1,]", 3),
  NO("[1 , ]", 5),
  NO("[1,,2]", 3),
  NO("[,1]", 1),
  NO("[1 2]", 3),
  NO("[1:2]", 2),
  NO("[\"a\":1]", 4),
  NO("{,}", 1),
  NO("{\"a\":1,}", 7),
  NO("{\"a\":1,,\"b\":2}", 7),
  NO("{,\"a\":1}", 1),
  NO("{\"a\":1 \"b\":2}", 7),
  NO("{\"a\" 1}", 5),
  NO("{\"a\",1}", 4),
  NO("{\"a\"::1}", 5),
  NO("{\"a\":}", 5),
  NO("{:1}", 1),
  NO("{\"a\"}", 4),
  NO(",", 0),
  NO(":", 0),
  NO("1,", 1),
  /* keys */
  NO("{a:1}", 1),
  NO("{1:1}", 1),
  NO("{null:1}", 1),
  NO("{'a':1}", 1),
  NO("{\"a\":1,b:2}", 7),
  NO("{[]:1}", 1),
  NO("{\"a:1}", 6),
  /* more after the value */
  NO("1 2", 2),
  NO("null null", 5),
  NO("[] []", 3),
  NO("{} x", 3),
  NO("\"a\"\"b\"", 3),
  NO("[]\0", 2),
  NO("1\0", 1),
  NO("nullx", 4),
  NO("truefalse", 4),
  /* words */
  NO("nul", 3),
  NO("nulL", 3),
  NO("NULL", 0),
  NO("True", 0),
  NO("tru", 3),
  NO("trye", 2),
  NO("falsE", 4),
  NO("undefined", 0),
  NO("NaN", 0),
  NO("[NaN]", 1),
  NO("nan", 1),
  NO("Infinity", 0),
  NO("-Infinity", 1),
  NO("[-NaN]", 2),
  NO("inf", 0),
  /* numbers */
  NO("01", 1),
  NO("[01]", 2),
  NO("-01", 2),
  NO("00", 1),
  NO("-00", 2),
  NO("012.5", 1),
  NO("+1", 0),
  NO("++1", 0),
  NO("--1", 1),
  NO("-", 1),
  NO("[-]", 2),
  NO("- 1", 1),
  NO("-a", 1),
  NO(".5", 0),
  NO("-.5", 1),
  NO("1.", 2),
  NO("[1.]", 3),
  NO("1.e1", 2),
  NO("1.2.3", 3),
  NO("1e", 2),
  NO("1e+", 3),
  NO("[1E-]", 4),
  NO("1e1.5", 3),
  NO("1e1e1", 3),
  NO("1ex", 2),
  NO("0x10", 1),
  NO("-0x10", 2),
  NO("0b1", 1),
  NO("1_000", 1),
  NO("1'000", 1),
  NO("1,5", 1),
  NO("1a", 1),
  NO("1L", 1),
  NO("[1+2]", 2),
  NO("[0e]", 3),
  NO("\xEF\xBC\x91", 0), /* a full-width 1 */
  /* comments and other dialects */
  NO("[1]//x", 3),
  NO("/**/1", 0),
  NO("[1/**/]", 2),
  NO("#1\n1", 0),
  NO("'a'", 0),
  NO("`a`", 0),
  NO("[a]", 1),
  NO("<a>", 0),
  NO("<!DOCTYPE html>", 0),
  NO("(1)", 0),
  NO("[\x0B]", 1),
  NO("[\x0C]", 1),
  NO("\xC2\xA0[]", 0),
  NO("[\xE2\x80\xAF]", 1),
  NO("\0", 0),
  NO("[\0]", 1),
  /* strings */
  NO("\"\n\"", 1),
  NO("\"a\tb\"", 2),
  NO("\"\0\"", 1),
  NO("\"ab\x1F\"", 3),
  NO("\"\x01\"", 1),
  NO("\"12345678\x1F\"", 9),
  NO("\"\\\"", 3),
  NO("\"\\", 1),
  NO("\"\\x41\"", 1),
  NO("\"\\a\"", 1),
  NO("\"\\'\"", 1),
  NO("\"\\0\"", 1),
  NO("\"\\\0\"", 1),
  NO("\"\\N\"", 1),
  NO("\"a\\ b\"", 2),
  NO("\"\\\n\"", 1),
  NO("\"\\\xC3\xA9\"", 1),
  NO("\"\\u\"", 1),
  NO("\"\\u0\"", 1),
  NO("\"\\u00\"", 1),
  NO("\"\\u00a\"", 1),
  NO("\"\\u00ag\"", 1),
  NO("\"\\u 123\"", 1),
  NO("\"\\u-123\"", 1),
  NO("\"\\u+123\"", 1),
  NO("\"\\U0041\"", 1),
  NO("\"\\u004", 1),
  NO("\"\\u{41}\"", 1),
  /* surrogate escapes */
  NO("\"\\uD800\"", 1),
  NO("\"x\\uD800x\"", 2),
  NO("\"\\uDC00\"", 1),
  NO("\"\\uDFFF\"", 1),
  NO("\"\\uD800\\uD800\"", 1),
  NO("\"\\uD800\\u0041\"", 1),
  NO("\"\\uD800\\n\"", 1),
  NO("\"\\uDC00\\uD800\"", 1),
  NO("\"\\uD800\\uDC0\"", 1),
  NO("\"\\uD800\\", 1),
  NO("\"\\uD800\\u", 1),
  NO("\"\\uD834\\uDD1E\\uD834\"", 13),
  /* UTF-8: stray and missing continuations, overlong forms, surrogates, beyond the last character */
  NO("\"\x80\"", 1),
  NO("\"\xBF\"", 1),
  NO("\"a\xC3\"", 2),
  NO("\"\xC3", 1),
  NO("\"\xC3(\"", 1),
  NO("\"\xE2\x82\"", 1),
  NO("\"\xE2(\xA1\"", 1),
  NO("\"\xF0\x9F\x98\"", 1),
  NO("\"\xF0\x9F\x98", 1),
  NO("\"\xF0\x9F(\x80\"", 1),
  NO("\"\xC0\x80\"", 1),
  NO("\"\xC0\xAF\"", 1),
  NO("\"\xC1\xBF\"", 1),
  NO("\"\xE0\x80\x80\"", 1),
  NO("\"\xE0\x9F\xBF\"", 1),
  NO("\"\xF0\x80\x80\x80\"", 1),
  NO("\"\xF0\x8F\xBF\xBF\"", 1),
  NO("\"\xED\xA0\x80\"", 1),
  NO("\"\xED\xBF\xBF\"", 1),
  NO("\"\xF4\x90\x80\x80\"", 1),
  NO("\"\xF5\x80\x80\x80\"", 1),
  NO("\"\xF8\x88\x80\x80\x80\"", 1),
  NO("\"\xFE\"", 1),
  NO("\"\xFF\"", 1),
  NO("\"ok \xC3\xA9 \xE9\"", 7),
  NO("{\"\xE9\":1}", 2),
  NO("[\xC3\xA9]", 1),
};

/* What the standard leaves to the parser, and what ours does. */
static const sample left_open_accepted[] = {
  GIVES("1e400", "F<1e400>"), /* whether a number fits is for the reader of the events to say */
  GIVES("-1e400", "F<-1e400>"),
  GIVES("1e-400", "F<1e-400>"),
  GIVES("0.4e00669999999999999999999999999999999999999999999999999999999999999999999",
        "F<0.4e00669999999999999999999999999999999999999999999999999999999999999999999>"),
  GIVES("1e-10000000000000000000", "F<1e-10000000000000000000>"),
  GIVES("-237462374673276894279832749832423479823246327846",
        "I<-237462374673276894279832749832423479823246327846>"),
};

static const sample left_open_refused[] = {
  NO("\xEF\xBB\xBF{}", 0),                 /* a byte-order mark */
  NO("\xFF\xFE[\0]\0", 0),                 /* UTF-16 with one */
  NO("[\0]\0", 1),                         /* UTF-16 without */
  NO("\0[\0\"\0\xE9\0\"\0]", 0),
  NO("[\"\\uDADA\"]", 2),                  /* half a pair */
  NO("[\"\\uD888\\u1234\"]", 2),
  NO("[\"\\uDd1e\\uD834\"]", 2),
  NO("[\"\xE6\x97\xA5\xD1\x88\xFA\"]", 7), /* not UTF-8 */
  NO("[\"\xFC\x83\xBF\xBF\xBF\xBF\"]", 2),
};

/* Writes the events of a text into `out`, one after the other. Returns the last one. */
static lp_json_event trace(lp_json *scan, const char *text, size_t len, char *out, size_t size) {
  size_t used = 0;
  out[0] = '\0';
  lp_json_start(scan, text, len);
  while (lp_json_next(scan) > LP_JSON_END) {
    const char *name = "?";
    switch (scan->event) {
      case LP_JSON_NULL: name = "null"; break;
      case LP_JSON_TRUE: name = "true"; break;
      case LP_JSON_FALSE: name = "false"; break;
      case LP_JSON_INTEGER: name = "I"; break;
      case LP_JSON_FLOAT: name = "F"; break;
      case LP_JSON_STRING: name = scan->escaped ? "E" : "S"; break;
      case LP_JSON_KEY: name = scan->escaped ? "EK" : "K"; break;
      case LP_JSON_OBJECT: name = "{"; break;
      case LP_JSON_OBJECT_END: name = "}"; break;
      case LP_JSON_ARRAY: name = "["; break;
      case LP_JSON_ARRAY_END: name = "]"; break;
      case LP_JSON_ERROR: case LP_JSON_END: break;
    }
    const char *space = used > 0 ? " " : "";
    if (scan->text) {
      used += (size_t)snprintf(out + used, size - used, "%s%s<%.*s>", space, name, (int)scan->len, scan->text);
    } else {
      used += (size_t)snprintf(out + used, size - used, "%s%s", space, name);
    }
    assert_true(used < size);
  }
  return scan->event;
}

/* A copy that ends where its memory ends, so that the sanitizers see a byte read too many. */
static char *exact_copy(const char *text, size_t len) {
  char *copy = malloc(len > 0 ? len : 1);
  assert_non_null(copy);
  memcpy(copy, text, len);
  return copy;
}

static void check_accepted(const sample *samples, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const sample *s = &samples[i];
    lp_json scan;
    char events[512], *text = exact_copy(s->text, s->len);
    if (trace(&scan, text, s->len, events, sizeof events) != LP_JSON_END) {
      fail_msg("%s refused: %s at byte %zu", s->text, scan.error, scan.offset);
    }
    if (s->events) {
      assert_string_equal(events, s->events);
    }
    assert_int_equal(lp_json_next(&scan), LP_JSON_END);
    free(text);
  }
}

static void check_refused(const sample *samples, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const sample *s = &samples[i];
    lp_json scan;
    char events[512], *text = exact_copy(s->text, s->len);
    if (trace(&scan, text, s->len, events, sizeof events) != LP_JSON_ERROR) {
      fail_msg("accepted: %s", s->text);
    }
    if (scan.offset != s->offset) {
      fail_msg("%s: %s at byte %zu, not %zu", s->text, scan.error, scan.offset, s->offset);
    }
    assert_non_null(scan.error);
    const char *error = scan.error;
    assert_int_equal(lp_json_next(&scan), LP_JSON_ERROR);
    assert_ptr_equal(scan.error, error);
    assert_int_equal(scan.offset, s->offset);
    free(text);
  }
}

static void accepts(void **state) {
  (void)state;
  check_accepted(accepted, COUNT(accepted));
}

static void refuses(void **state) {
  (void)state;
  check_refused(refused, COUNT(refused));
}

static void decides_what_is_left_open(void **state) {
  (void)state;
  check_accepted(left_open_accepted, COUNT(left_open_accepted));
  check_refused(left_open_refused, COUNT(left_open_refused));
}

/* No beginning of an accepted text reads a byte too many, and none but a number alone is a text itself. */
static void refuses_beginnings(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(accepted); i++) {
    const sample *s = &accepted[i];
    bool container = s->text[0] == '[' || s->text[0] == '{' || s->text[0] == '"';
    for (size_t len = 0; container && len < s->len; len++) {
      lp_json scan;
      char events[512], *text = exact_copy(s->text, len);
      bool closed = len > 0 && strspn(s->text + len, " \t\r\n") == s->len - len;
      assert_int_equal(trace(&scan, text, len, events, sizeof events), closed ? LP_JSON_END : LP_JSON_ERROR);
      assert_true(scan.offset <= len);
      free(text);
    }
  }
}

static void takes_a_null_pointer_without_length(void **state) {
  (void)state;
  lp_json scan;
  lp_json_start(&scan, NULL, 0);
  assert_int_equal(lp_json_next(&scan), LP_JSON_ERROR);
  assert_int_equal(scan.offset, 0);
}

static void tells_where_events_begin(void **state) {
  (void)state;
  static const char text[] = " { \"a\" : [ 1 , \"x\\n\" ] } ";
  static const struct {
    lp_json_event event;
    size_t offset;
  } expected[] = {
    { LP_JSON_OBJECT, 1 },  { LP_JSON_KEY, 3 },        { LP_JSON_ARRAY, 9 },
    { LP_JSON_INTEGER, 11 }, { LP_JSON_STRING, 15 }, { LP_JSON_ARRAY_END, 21 }, { LP_JSON_OBJECT_END, 23 },
    { LP_JSON_END, 25 },
  };
  lp_json scan;
  lp_json_start(&scan, text, sizeof text - 1);
  for (size_t i = 0; i < COUNT(expected); i++) {
    assert_int_equal(lp_json_next(&scan), expected[i].event);
    assert_int_equal(scan.event, expected[i].event);
    assert_int_equal(scan.offset, expected[i].offset);
  }
}

/* `depth` containers inside one another: arrays, objects, or both by turns. */
static lp_json_event nested(lp_json *scan, char *text, size_t depth, int objects) {
  size_t len = 0;
  for (size_t i = 0; i < depth; i++) {
    bool object = objects == 2 ? i % 2 == 1 : objects == 1;
    len += (size_t)sprintf(text + len, object ? "{\"a\":" : "[");
  }
  text[len++] = '1';
  for (size_t i = depth; i > 0; i--) {
    bool object = objects == 2 ? (i - 1) % 2 == 1 : objects == 1;
    text[len++] = object ? '}' : ']';
  }
  lp_json_start(scan, text, len);
  while (lp_json_next(scan) > LP_JSON_END) {
  }
  return scan->event;
}

static void limits_the_depth(void **state) {
  (void)state;
  static char text[8 * LP_JSON_DEPTH];
  lp_json scan;
  for (int objects = 0; objects <= 2; objects++) {
    assert_int_equal(nested(&scan, text, LP_JSON_DEPTH - 1, objects), LP_JSON_END);
    assert_int_equal(nested(&scan, text, LP_JSON_DEPTH, objects), LP_JSON_END);
    assert_int_equal(nested(&scan, text, LP_JSON_DEPTH + 1, objects), LP_JSON_ERROR);
  }
  assert_int_equal(nested(&scan, text, LP_JSON_DEPTH + 1, 0), LP_JSON_ERROR);
  assert_int_equal(scan.offset, LP_JSON_DEPTH);
  size_t many = 100000;
  char *open = malloc(many);
  assert_non_null(open);
  memset(open, '[', many);
  lp_json_start(&scan, open, many);
  while (lp_json_next(&scan) > LP_JSON_END) {
  }
  assert_int_equal(scan.event, LP_JSON_ERROR);
  assert_int_equal(scan.offset, LP_JSON_DEPTH);
  free(open);
}

/* Every byte at every place of a string of every length up to 20: eight bytes are looked at in one step. */
static void looks_at_every_byte(void **state) {
  (void)state;
  for (size_t len = 1; len <= 20; len++) {
    for (size_t at = 0; at < len; at++) {
      for (int c = 0; c < 256; c++) {
        char *text = malloc(len);
        assert_non_null(text);
        memset(text, 'a', len);
        text[at] = (char)c;
        bool plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
        assert_int_equal(lp_json_plain(text, len), plain ? len : at);
        assert_int_equal(lp_utf8_bad(text, len), c < 0x80 ? len : at);
        free(text);
      }
    }
  }
}

/* All code points, and the bounds of the table in RFC 3629, section 4, by brute force over the first two bytes. */
static void knows_utf8(void **state) {
  (void)state;
  for (uint32_t point = 0; point <= 0x10FFFF; point++) {
    unsigned char b[4];
    size_t size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    b[0] = (unsigned char)(size == 1   ? point
                           : size == 2 ? 0xC0 | point >> 6
                           : size == 3 ? 0xE0 | point >> 12
                                       : 0xF0 | point >> 18);
    for (size_t i = 1; i < size; i++) {
      b[i] = (unsigned char)(0x80 | (point >> 6 * (size - 1 - i) & 0x3F));
    }
    bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    if (lp_utf8_char((const char *)b, size) != (surrogate ? 0 : size)) {
      fail_msg("U+%04X", (unsigned)point);
    }
    if (size > 1 && lp_utf8_char((const char *)b, size - 1) != 0) {
      fail_msg("U+%04X without its last byte", (unsigned)point);
    }
  }
  size_t pairs = 0, triples = 0, quads = 0;
  for (int first = 0x80; first < 256; first++) {
    for (int second = 0; second < 256; second++) {
      char b[4] = { (char)first, (char)second, (char)0x80, (char)0x80 };
      pairs += lp_utf8_char(b, 2) == 2;
      triples += lp_utf8_char(b, 3) == 3;
      quads += lp_utf8_char(b, 4) == 4;
    }
  }
  assert_int_equal(pairs, 0x1E * 64);                 /* C2–DF */
  assert_int_equal(triples, 14 * 64 + 32 + 32);       /* E1–EC, EE, EF; half of E0 and of ED */
  assert_int_equal(quads, 3 * 64 + 48 + 16);          /* F1–F3; three quarters of F0, a quarter of F4 */
  assert_int_equal(lp_utf8_char("", 0), 0);
  assert_int_equal(lp_utf8_bad("", 0), 0);
  assert_int_equal(lp_utf8_bad("a\xC3\xA9\xE9z", 5), 3);
  assert_int_equal(lp_utf8_bad("a\0\xE2\x82", 4), 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(accepts),
    cmocka_unit_test(refuses),
    cmocka_unit_test(decides_what_is_left_open),
    cmocka_unit_test(refuses_beginnings),
    cmocka_unit_test(takes_a_null_pointer_without_length),
    cmocka_unit_test(tells_where_events_begin),
    cmocka_unit_test(limits_the_depth),
    cmocka_unit_test(looks_at_every_byte),
    cmocka_unit_test(knows_utf8),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
