//! Which field types are written in Go's way rather than serde's. A macro sees names only, so it goes by those; a
//! type of the same name that is another one does not compile, with a hint at `#[message(plain)]`.

use syn::{GenericArgument, PathArguments, Type, TypePath};

/// Whether `ty` is, or holds, bytes, a span of time or a point in time.
pub(super) fn has_own_form(ty: &Type) -> bool {
    match ty {
        Type::Array(array) => is_u8(&array.elem),
        Type::Path(path) => path_has_own_form(path),
        Type::Paren(inner) => has_own_form(&inner.elem),
        Type::Group(inner) => has_own_form(&inner.elem),
        _ => false,
    }
}

fn path_has_own_form(path: &TypePath) -> bool {
    let Some(last) = path.path.segments.last() else { return false };
    let args: Vec<&Type> = match &last.arguments {
        PathArguments::AngleBracketed(args) => args
            .args
            .iter()
            .filter_map(|arg| if let GenericArgument::Type(ty) = arg { Some(ty) } else { None })
            .collect(),
        _ => Vec::new(),
    };
    match (last.ident.to_string().as_str(), &args[..]) {
        ("Duration" | "SystemTime", []) => true,
        ("Vec", [element]) => is_u8(element) || has_own_form(element),
        ("Box", [Type::Slice(slice)]) => is_u8(&slice.elem),
        ("Box" | "Option", [inner]) => has_own_form(inner),
        ("HashMap" | "BTreeMap", [_, value, ..]) => has_own_form(value),
        _ => false,
    }
}

fn is_u8(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("u8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_have_a_form_of_their_own() {
        for ty in [
            "Vec<u8>",
            "[u8; 32]",
            "Box<[u8]>",
            "Option<Vec<u8>>",
            "Vec<Vec<u8>>",
            "Duration",
            "std::time::Duration",
            "Option<SystemTime>",
            "HashMap<String, Duration>",
            "BTreeMap<u8, Vec<[u8; 4]>>",
            "Box<Duration>",
        ] {
            assert!(has_own_form(&syn::parse_str(ty).unwrap()), "{ty}");
        }
        for ty in [
            "u8",
            "String",
            "Vec<i8>",
            "Vec<String>",
            "[u16; 2]",
            "HashMap<u8, u8>",
            "Duration<u8>",
            "Bytes",
            "&[u8]",
            "(u8, u8)",
            "Time",
        ] {
            assert!(!has_own_form(&syn::parse_str(ty).unwrap()), "{ty}");
        }
    }
}
