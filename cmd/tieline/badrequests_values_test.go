package main_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// tooLong is how many bytes no body may have.
const tooLong = 1 << 20

// deep is how many arrays are put into each other.
const deep = 10_000

// badValues are put into the place of every field, as JSON writes them or as it
// never would.
var badValues = []string{
	`null`, `true`, `7`, `-1`, `0`, `1.5`, `-0`, `1e400`, `9223372036854775807`, `9223372036854775808`, `-9223372036854775809`, `99999999999999999999999`,
	`[]`, `{}`, `[[]]`, `[null]`, `{"a":{}}`, strings.Repeat("[", deep) + strings.Repeat("]", deep), strings.Repeat(`{"a":`, deep) + `1` + strings.Repeat("}", deep),
	`""`, `" "`, `"\u0000"`, `"a\u0000b"`, `"\u2028\u2029"`, `"\ud800"`, `"\udc00\ud800"`, `"\u202egnp.exe"`, `"\ufeff"`, `"\ufffd"`, `"\r\nX-Header: 1"`,
	`"👩‍👩‍👧‍👦🏳️‍🌈"`, `"` + strings.Repeat("Z͑ͫ̓ͪ", 100) + `"`, `"漢字"`, `"' OR 1=1; --"`, `"%_\\!"`, `"../../../../etc/passwd"`, `"..\\..\\x"`, `"%00%ff"`, `"{{7*7}}"`, `"<script>alert(1)</script>"`,
	`"NaN"`, `"Infinity"`, `NaN`, `-Infinity`, `"1e309"`, `"-1"`, `"9223372036854775808"`, `"true"`, `"2026-13-45T99:99:99Z"`,
	"\"\xff\xfe\"", "\"a\xc3\"", `"` + strings.Repeat("x", 65) + `"`, `"` + strings.Repeat("😀", 300) + `"`, `"` + strings.Repeat("x", 400_000) + `"`, `"` + strings.Repeat("x", tooLong) + `"`,
	`["x","x"]`, `["\u0000"]`, `["` + strings.Repeat(`x","`, 2000) + `x"]`,
}

// badWords are put into the place of every parameter.
var badWords = []string{
	"x", "%00", "a%00b", "%ff", "%c3", "..%2f..%2fetc%2fpasswd", "..", strings.Repeat("x", 65), strings.Repeat("x", 3000), "😀", "%F0%9F%98%80", "%E2%80%AE", "%E2%80%A8",
	"%ED%A0%80", "'%20OR%201=1;%20--", "%25_%5C!", "-1", "0", "1.5", "1e9", "9223372036854775808", "99999999999999999999", "NaN", "Infinity", "null", "undefined", "true",
	"%zz", "%", "%20", "+", "lobby", "%2f", "%3f", "%0d%0aX:1", "%F0%9F%91%A9%E2%80%8D%F0%9F%91%A9",
}

// attacksOn are all attacks on an operation.
func (a *api) attacksOn(op operation) (all []attack) {
	whole := a.sample(op.body)
	for _, p := range op.params {
		for _, word := range badWords {
			path := op.with(a.ids, p, word)
			all = append(all, attack{method: op.method, path: path, header: op.header(), body: op.fits(whole)})
		}
	}
	path := op.with(a.ids, parameter{}, "")
	for _, query := range []string{"?", "?%zz", "?=", "?&&&", "?a[]=1&a[b]=2", "?limit=1&limit=x&cursor=1&cursor=2", "?" + strings.Repeat("a=b&", 1000), "?\xff"} {
		all = append(all, attack{method: op.method, path: path + query, header: op.header(), body: op.fits(whole)})
	}
	if op.multipart {
		return append(all, uploads(op.method, path)...)
	}
	for _, raw := range bodies(whole) {
		all = append(all, attack{op.method, path, map[string]string{"Content-Type": "application/json"}, raw})
	}
	for _, header := range badHeaders {
		all = append(all, attack{op.method, path, header, whole})
	}
	if op.body == nil {
		return all
	}
	for _, field := range a.fields(op.body, "") {
		for _, value := range badValues {
			all = append(all, attack{op.method, path, op.header(), a.sampleWith(op.body, field, value)})
		}
		last := field[strings.LastIndexByte(field, '.')+1:]
		all = append(all, attack{op.method, path, op.header(), strings.TrimSuffix(whole, "}") + fmt.Sprintf(`,%q:1,%q:"x",%q:null}`, last, last, strings.ToUpper(last))})
	}
	return all
}

// badHeaders say of a body what it is not.
var badHeaders = []map[string]string{
	{"Content-Type": "text/plain"}, {"Content-Type": "application/xml"}, {"Content-Type": "application/json; charset=utf-16"}, {"Content-Type": ";;;"},
	{"Content-Type": "multipart/form-data"}, {"Content-Type": "multipart/form-data; boundary=x"}, {"Content-Type": "application/x-www-form-urlencoded"},
	{"Content-Type": "application/json", "Content-Encoding": "gzip"}, {"Content-Type": "application/json", "Content-Encoding": "br, deflate"},
	{"Content-Type": "application/json", "Accept": "image/png"}, {"Content-Type": "application/json", "Accept-Language": strings.Repeat("zh;q=0.1,", 300)},
	{"Content-Type": "application/json", "X-HTTP-Method-Override": "DELETE"}, {"Content-Type": "application/json", "Origin": "null"},
	{"Content-Type": "application/json", "X-Forwarded-For": "'; --, ::1%00", "X-Real-IP": "x"},
	{"Content-Type": "application/json", "If-None-Match": "*", "Range": "bytes=5-1"},
}

// bodies are no object, or one and more.
func bodies(whole string) []string {
	return []string{
		``, ` `, `null`, `true`, `7`, `"x"`, `[]`, `[{}]`, `{}`, `{`, `{"`, `{"a":}`, `{}{}`, `{} x`, `{"a":1,}`, `{a:1}`, `{'a':1}`, "\xef\xbb\xbf{}", "\xff\xfe{\x00}\x00", "\x00", "{}\x00",
		"{\"a\":\"\x01\"}", `{"__proto__":{"admin":true},"constructor":1}`, `{"":1}`, `{"a":1,"a":2,"A":3}`, whole[:len(whole)/2], strings.Repeat("{", deep), strings.Repeat(`{"a":`, deep) + `1` + strings.Repeat(`}`, deep),
		strings.Repeat("[", deep), "{\"\xff\":1}", `{"a":"` + strings.Repeat("x", tooLong) + `"}`,
	}
}

// uploads are forms that are broken, and files that are not what they seem.
func uploads(method, path string) (all []attack) {
	const start = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n"
	png, _ := base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
	const end = "\r\n--x--\r\n"
	huge := strings.Replace(string(png), "\x00\x00\x00\x01\x00\x00\x00\x01", "\x7f\xff\xff\xff\x7f\xff\xff\xff", 1)
	for _, body := range []string{
		"", "--x", "--x\r\n", "--x--\r\n", start, start + string(png), start + string(png[:20]) + end, start + end, start + huge + end, start + "GIF89a\xff\xff\xff\xff" + end,
		start + "not a picture" + end, start + "<svg onload='alert(1)'/>" + end, strings.Replace(start, `name="file"`, `name="other"`, 1) + string(png) + end,
		strings.Replace(start, `name="file"; `, ``, 1) + string(png) + end, strings.Replace(start, `; filename="a.png"`, ``, 1) + string(png) + end,
		strings.Replace(start, "a.png", "../../../../etc/passwd", 1) + "x" + end, strings.Replace(start, "a.png", "a\x00.png", 1) + "x" + end, strings.Replace(start, "a.png", strings.Repeat("x", 5000), 1) + "x" + end,
		strings.Replace(start, "\r\n\r\n", "\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1) + "!!!" + end, start + string(png) + "\r\n" + start + string(png) + end,
		strings.Repeat("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n", 2000) + "--x--\r\n", "--x\r\n" + strings.Repeat("A: b\r\n", 2000) + "\r\n" + end, `{"file":"x"}`,
	} {
		all = append(all, attack{method, path, map[string]string{"Content-Type": "multipart/form-data; boundary=x"}, body})
	}
	for _, typ := range []string{"", "application/json", "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + strings.Repeat("y", 200), "multipart/mixed; boundary=x", "image/png", ";;;"} {
		all = append(all, attack{method, path, map[string]string{"Content-Type": typ}, start + string(png) + end})
	}
	return append(all, attack{method, path, map[string]string{"Content-Type": "multipart/form-data; boundary=x", "Content-Encoding": "gzip"}, start + end})
}

// with fills an operation's path: one parameter with a word, the others with
// what is there.
func (o operation) with(ids map[string]string, p parameter, word string) string {
	parts := strings.Split(o.path, "/")
	for i, part := range parts {
		name := strings.Trim(part, "{}")
		switch {
		case name == part:
		case p.in == "path" && p.name == name:
			parts[i] = word
		case strings.HasPrefix(o.path, "/api/v1/admin/nodes/"), ids[name] == "":
			parts[i] = "x" // the node is to stay
		case name == "id" && strings.Contains(o.path, "/conversations/"):
			parts[i] = "lobby"
		default:
			parts[i] = url.PathEscape(ids[name])
		}
	}
	path := strings.Join(parts, "/")
	if p.in == "query" {
		path += "?" + p.name + "=" + word
	}
	return path
}

// at is the operation's path with a word for every parameter.
func (o operation) at(word string) string {
	ids := map[string]string{}
	for _, p := range o.params {
		ids[p.name] = word
	}
	return o.with(ids, parameter{}, "")
}

func (o operation) header() map[string]string {
	switch {
	case o.multipart:
		return map[string]string{"Content-Type": "multipart/form-data; boundary=x"}
	case o.body != nil:
		return map[string]string{"Content-Type": "application/json"}
	}
	return nil
}

// fits is the body, if the operation takes one.
func (o operation) fits(body string) string {
	if o.body == nil || o.multipart {
		return ""
	}
	return body
}

// sortedKeys are the keys of a map, in order, so that failures come back.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
