//! JSON for people to read.

/// What is nested deeper is not indented further: else a short text of many brackets makes a page of gigabytes.
const DEEPEST_INDENT: usize = 8;

/// The same JSON with a line for each field and each item, in the order in which they stand there.
pub(super) fn indented(json: &str) -> String {
    let mut shown = String::with_capacity(json.len() * 2);
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    let mut rest = json.chars().peekable();
    while let Some(sign) = rest.next() {
        if is_text {
            shown.push(sign);
            is_text = is_escaped || sign != '"';
            is_escaped = !is_escaped && sign == '\\';
            continue;
        }
        match sign {
            '"' => {
                is_text = true;
                shown.push(sign);
            }
            '{' | '[' => {
                shown.push(sign);
                while rest.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(end) = rest.next_if(|next| matches!(next, '}' | ']')) {
                    shown.push(end);
                } else {
                    depth += 1;
                    new_line(&mut shown, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut shown, depth);
                shown.push(sign);
            }
            ',' => {
                shown.push(sign);
                new_line(&mut shown, depth);
            }
            ':' => shown.push_str(": "),
            sign if sign.is_ascii_whitespace() => {}
            sign => shown.push(sign),
        }
    }
    shown
}

fn new_line(shown: &mut String, depth: usize) {
    shown.push('\n');
    shown.extend(std::iter::repeat_n("  ", depth.min(DEEPEST_INDENT)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_nesting_does_not_blow_a_page_up() {
        let json = "[".repeat(60) + "1,2" + &"]".repeat(60);
        let shown = indented(&json);
        assert!(
            shown
                .lines()
                .all(|line| line.len() <= 2 * DEEPEST_INDENT + 2)
        );
    }

    #[test]
    fn fields_and_items_have_lines_of_their_own_and_keep_their_order() {
        let json = r#"{"b":[1,{"a":"x: {,\" \\"}],"a":{}, "c" : [ ] ,"d":null}"#;
        let shown = indented(json);
        assert_eq!(
            shown,
            "{\n  \"b\": [\n    1,\n    {\n      \"a\": \"x: {,\\\" \\\\\"\n    }\n  ],\n  \"a\": {},\n  \"c\": [],\n  \"d\": null\n}"
        );
        let before: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&shown).unwrap(),
            before
        );
    }
}
