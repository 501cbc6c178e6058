//! Rust's names as Go spells them.

/// `user_id` → `UserID`: every word with a capital, initialisms in capitals throughout, as Go's linters ask for.
pub(crate) fn go_name(snake: &str) -> String {
    snake.split('_').map(word).collect()
}

fn word(word: &str) -> String {
    let upper = word.to_uppercase();
    if INITIALISMS.contains(&upper.as_str()) {
        return upper;
    }
    // The plural: `ids` → `IDs`.
    if let Some(singular) = upper.strip_suffix('S')
        && INITIALISMS.contains(&singular)
    {
        return format!("{singular}s");
    }
    let mut chars = word.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// `user_id` → `userId`.
pub(crate) fn camel_case(snake: &str) -> String {
    let mut words = snake.split('_').filter(|word| !word.is_empty());
    let mut name = words.next().unwrap_or_default().to_lowercase();
    for word in words {
        let mut chars = word.chars();
        name.extend(chars.next().into_iter().flat_map(char::to_uppercase));
        name.extend(chars);
    }
    name
}

/// The list of Go's linters.
const INITIALISMS: [&str; 38] = [
    "ACL", "API", "ASCII", "CPU", "CSS", "DNS", "EOF", "GUID", "HTML", "HTTP", "HTTPS", "ID", "IP", "JSON",
    "LHS", "QPS", "RAM", "RHS", "RPC", "SLA", "SMTP", "SQL", "SSH", "TCP", "TLS", "TTL", "UDP", "UI", "UID",
    "URI", "URL", "UTF8", "UUID", "VM", "XML", "XMPP", "XSRF", "XSS",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_capitalised_and_initialisms_shouted() {
        for (rust, go) in [
            ("a", "A"),
            ("name", "Name"),
            ("file_name", "FileName"),
            ("user_id", "UserID"),
            ("id", "ID"),
            ("ids", "IDs"),
            ("user_ids", "UserIDs"),
            ("image_url", "ImageURL"),
            ("http_server", "HTTPServer"),
            ("https", "HTTPS"),
            ("json_api_uris", "JSONAPIURIs"),
            ("utf8_text", "UTF8Text"),
            ("idle", "Idle"),
            ("apis", "APIs"),
            ("this", "This"),
            ("_private", "Private"),
            ("trailing_", "Trailing"),
            ("x1", "X1"),
            ("v_2", "V2"),
            ("éclair", "Éclair"),
        ] {
            assert_eq!(go_name(rust), go);
        }
    }

    #[test]
    fn camel_case_begins_small() {
        for (rust, camel) in [("user_id", "userId"), ("a", "a"), ("file_name_x", "fileNameX"), ("_a_b", "aB")]
        {
            assert_eq!(camel_case(rust), camel);
        }
    }
}
