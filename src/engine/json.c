/* The JSON scanner of json.h. */
#include "engine/json.h"

#include <string.h>

/* What may come next. */
enum {
  VALUE,          /* a value must come: at the beginning, after a colon, after a comma in an array */
  VALUE_OR_CLOSE, /* after [ */
  KEY,            /* after a comma in an object */
  KEY_OR_CLOSE,   /* after { */
  COMMA_OR_CLOSE, /* after a value in a container */
  NOTHING,        /* after the outermost value */
  OVER,           /* the end or an error has been told */
};

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

static bool is_plain(unsigned char c) {
  return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static bool is_digit(int c) {
  return c >= '0' && c <= '9';
}

/* The highest bit of the first byte that is not plain, and perhaps of some after it; 0 when all eight are plain. A byte
 * below its bound borrows and so sets its highest bit; as long as none does, no borrow reaches a neighbour. */
static uint64_t odd_bytes(const char *eight) {
  uint64_t word;
  memcpy(&word, eight, 8);
  uint64_t odd = word | (word - EACH_BYTE(0x20)) | ((word ^ EACH_BYTE('"')) - EACH_BYTE(1)) |
                 ((word ^ EACH_BYTE('\\')) - EACH_BYTE(1));
  return odd & EACH_BYTE(0x80);
}

size_t lp_json_plain(const char *text, size_t len) {
  size_t at = 0;
  while (len - at >= 8) {
    uint64_t odd = odd_bytes(text + at);
    if (odd != 0) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
      return at + (size_t)__builtin_ctzll(odd) / 8;
#else
      break;
#endif
    }
    at += 8;
  }
  while (at < len && is_plain((unsigned char)text[at])) {
    at++;
  }
  return at;
}

/* RFC 3629, section 4: the second byte's range depends on the first, the rest are 80 to BF. */
size_t lp_utf8_char(const char *text, size_t len) {
  const unsigned char *byte = (const unsigned char *)text;
  if (len == 0) {
    return 0;
  }
  unsigned char first = byte[0];
  if (first < 0x80) {
    return 1;
  }
  size_t size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (first < 0xC2 || first > 0xF4 || len < size) {
    return 0;
  }
  unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte[1] < low || byte[1] > high) {
    return 0;
  }
  for (size_t i = 2; i < size; i++) {
    if ((byte[i] & 0xC0) != 0x80) {
      return 0;
    }
  }
  return size;
}

/* Where the text stops being UTF-8, or its end; and how many characters come before. */
static size_t walk_utf8(const char *text, size_t len, size_t *count) {
  size_t at = 0;
  *count = 0;
  while (at < len) {
    size_t plain = lp_json_plain(text + at, len - at);
    at += plain;
    *count += plain;
    size_t size = at < len ? lp_utf8_char(text + at, len - at) : 0;
    if (size == 0) {
      break;
    }
    at += size;
    ++*count;
  }
  return at;
}

bool lp_utf8_count(const char *text, size_t len, size_t *count) { return walk_utf8(text, len, count) == len; }

size_t lp_utf8_bad(const char *text, size_t len) {
  size_t count;
  return walk_utf8(text, len, &count);
}

static lp_json_event fail(lp_json *scan, const char *where, const char *error) {
  scan->at = where;
  scan->offset = (size_t)(where - scan->begin);
  scan->error = error;
  scan->text = NULL;
  scan->len = 0;
  scan->escaped = false;
  scan->expect = OVER;
  return scan->event = LP_JSON_ERROR;
}

static int peek(const lp_json *scan) {
  return scan->at < scan->end ? (unsigned char)*scan->at : -1;
}

static void skip_space(lp_json *scan) {
  const char *at = scan->at;
  while (at < scan->end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')) {
    at++;
  }
  scan->at = at;
}

static bool in_object(const lp_json *scan) {
  unsigned top = scan->depth - 1;
  return scan->object[top / 8] >> (top % 8) & 1;
}

/* A value is complete: what its container, if any, expects now. */
static void value_done(lp_json *scan) {
  scan->expect = scan->depth == 0 ? NOTHING : COMMA_OR_CLOSE;
}

/* The four hexadecimal digits at `at`, or -1. */
static int32_t hex4(const char *at, const char *end) {
  int32_t value = 0;
  if (end - at < 4) {
    return -1;
  }
  for (int i = 0; i < 4; i++) {
    char c = at[i];
    int digit = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) {
      return -1;
    }
    value = value * 16 + digit;
  }
  return value;
}

/* The end of the escape whose backslash is at `at`, or NULL and `*error`. */
static const char *skip_escape(const char *at, const char *end, const char **error) {
  char c = end - at < 2 ? '\0' : at[1];
  if (c != '\0' && strchr("\"\\/bfnrt", c)) {
    return at + 2;
  }
  if (c != 'u') {
    *error = "bad escape";
    return NULL;
  }
  int32_t unit = hex4(at + 2, end);
  if (unit < 0) {
    *error = "bad \\u escape";
    return NULL;
  }
  if (unit < 0xD800 || unit > 0xDFFF) {
    return at + 6;
  }
  int32_t low = unit < 0xDC00 && end - at >= 8 && at[6] == '\\' && at[7] == 'u' ? hex4(at + 8, end) : -1;
  if (low < 0xDC00 || low > 0xDFFF) {
    *error = "half of a surrogate pair";
    return NULL;
  }
  return at + 12;
}

/* scan->at is the opening quote. */
static bool scan_string(lp_json *scan, lp_json_event event) {
  const char *at = scan->at + 1, *end = scan->end;
  const char *text = at;
  bool escaped = false;
  for (;;) {
    at += lp_json_plain(at, (size_t)(end - at));
    if (at == end) {
      fail(scan, at, "string without an end");
      return false;
    }
    unsigned char c = (unsigned char)*at;
    if (c == '"') {
      break;
    }
    if (c == '\\') {
      const char *error = NULL, *after = skip_escape(at, end, &error);
      if (!after) {
        fail(scan, at, error);
        return false;
      }
      at = after;
      escaped = true;
    } else if (c < 0x20) {
      fail(scan, at, "control byte in a string");
      return false;
    } else {
      size_t size = lp_utf8_char(at, (size_t)(end - at));
      if (size == 0) {
        fail(scan, at, "string is not UTF-8");
        return false;
      }
      at += size;
    }
  }
  scan->text = text;
  scan->len = (size_t)(at - text);
  scan->escaped = escaped;
  scan->at = at + 1;
  scan->event = event;
  return true;
}

static lp_json_event scan_key(lp_json *scan) {
  if (!scan_string(scan, LP_JSON_KEY)) {
    return LP_JSON_ERROR;
  }
  skip_space(scan);
  if (peek(scan) != ':') {
    return fail(scan, scan->at, "expected a colon");
  }
  scan->at++;
  scan->expect = VALUE;
  return LP_JSON_KEY;
}

static const char *skip_digits(const char *at, const char *end) {
  while (at < end && is_digit(*at)) {
    at++;
  }
  return at;
}

static lp_json_event scan_number(lp_json *scan) {
  const char *text = scan->at, *at = text, *end = scan->end;
  bool minus = *at == '-';
  if (minus) {
    at++;
  }
  const char *digits = at;
  at = skip_digits(at, end);
  if (at == digits) {
    return fail(scan, at, "expected a digit");
  }
  if (*digits == '0' && at - digits > 1) {
    return fail(scan, digits + 1, "number with a leading zero");
  }
  lp_json_event event = minus && *digits == '0' ? LP_JSON_FLOAT : LP_JSON_INTEGER;
  if (at < end && *at == '.') {
    event = LP_JSON_FLOAT;
    digits = at + 1;
    at = skip_digits(digits, end);
    if (at == digits) {
      return fail(scan, at, "expected a digit");
    }
  }
  if (at < end && (*at == 'e' || *at == 'E')) {
    event = LP_JSON_FLOAT;
    digits = at + 1;
    if (digits < end && (*digits == '+' || *digits == '-')) {
      digits++;
    }
    at = skip_digits(digits, end);
    if (at == digits) {
      return fail(scan, at, "expected a digit");
    }
  }
  scan->text = text;
  scan->len = (size_t)(at - text);
  scan->at = at;
  value_done(scan);
  return scan->event = event;
}

static lp_json_event scan_word(lp_json *scan, const char *word, lp_json_event event) {
  const char *at = scan->at;
  for (; *word != '\0'; word++, at++) {
    if (at == scan->end || *at != *word) {
      return fail(scan, at, "expected null, true or false");
    }
  }
  scan->at = at;
  value_done(scan);
  return scan->event = event;
}

static lp_json_event open_container(lp_json *scan, bool object) {
  unsigned top = scan->depth;
  if (top == LP_JSON_DEPTH) {
    return fail(scan, scan->at, "containers nested too deep");
  }
  uint8_t bit = (uint8_t)(1u << (top % 8));
  scan->object[top / 8] = (uint8_t)(object ? scan->object[top / 8] | bit : scan->object[top / 8] & ~bit);
  scan->depth++;
  scan->at++;
  scan->expect = object ? KEY_OR_CLOSE : VALUE_OR_CLOSE;
  return scan->event = object ? LP_JSON_OBJECT : LP_JSON_ARRAY;
}

static lp_json_event close_container(lp_json *scan) {
  lp_json_event event = in_object(scan) ? LP_JSON_OBJECT_END : LP_JSON_ARRAY_END;
  scan->depth--;
  scan->at++;
  value_done(scan);
  return scan->event = event;
}

static lp_json_event scan_value(lp_json *scan) {
  switch (peek(scan)) {
    case '"':
      if (!scan_string(scan, LP_JSON_STRING)) {
        return LP_JSON_ERROR;
      }
      value_done(scan);
      return LP_JSON_STRING;
    case '{':
      return open_container(scan, true);
    case '[':
      return open_container(scan, false);
    case 'n':
      return scan_word(scan, "null", LP_JSON_NULL);
    case 't':
      return scan_word(scan, "true", LP_JSON_TRUE);
    case 'f':
      return scan_word(scan, "false", LP_JSON_FALSE);
    case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
      return scan_number(scan);
    case -1:
      return fail(scan, scan->at, scan->depth == 0 ? "nothing but space" : "text ends inside a container");
    default:
      return fail(scan, scan->at, "expected a value");
  }
}

void lp_json_start(lp_json *scan, const char *text, size_t len) {
  memset(scan, 0, offsetof(lp_json, object)); /* the bits of `object` are written before they are read */
  scan->begin = len > 0 ? text : ""; /* so that no arithmetic meets a null pointer */
  scan->at = scan->begin;
  scan->end = scan->begin + len;
  scan->expect = VALUE;
}

lp_json_event lp_json_next(lp_json *scan) {
  if (scan->expect == OVER) {
    return scan->event;
  }
  scan->text = NULL;
  scan->len = 0;
  scan->escaped = false;
  skip_space(scan);
  int c = peek(scan);
  if (scan->expect == COMMA_OR_CLOSE && c == ',') {
    scan->at++;
    skip_space(scan);
    c = peek(scan);
    scan->expect = in_object(scan) ? KEY : VALUE;
  }
  scan->offset = (size_t)(scan->at - scan->begin);
  switch (scan->expect) {
    case VALUE_OR_CLOSE:
      return c == ']' ? close_container(scan) : scan_value(scan);
    case VALUE:
      return scan_value(scan);
    case KEY_OR_CLOSE:
      if (c == '}') {
        return close_container(scan);
      } /* fall through */
    case KEY:
      if (c == '"') {
        return scan_key(scan);
      }
      return fail(scan, scan->at, c == -1 ? "text ends inside a container" : "expected a key in quotes");
    case COMMA_OR_CLOSE:
      if (c == (in_object(scan) ? '}' : ']')) {
        return close_container(scan);
      }
      return fail(scan, scan->at, c == -1           ? "text ends inside a container"
                                  : in_object(scan) ? "expected a comma or }"
                                                    : "expected a comma or ]");
    default: /* NOTHING */
      if (c != -1) {
        return fail(scan, scan->at, "text after the value");
      }
      scan->expect = OVER;
      return scan->event = LP_JSON_END;
  }
}
