//! Cutting a text to the room that is left.

use crate::encoding::text;

/// The longest beginning of a text that fits, with its size before and its form after the text codec.
pub(super) fn cut(text: &str, room: usize, room_js: usize) -> Option<(usize, String)> {
    let fits = |end: usize| {
        // A blank at the end would put the whole text into a longer form.
        let prefix = text.get(..end)?.trim_end_matches(' ');
        let encoded = text::encode_exact(prefix);
        (encoded.len() <= room).then(|| (prefix.len(), encoded.into_owned()))
    };
    // Encoded sizes grow with the text but for small steps where the encoding changes, so that a search by halves comes
    // close, and a few steps back make it sure.
    let (mut low, mut high) = (0, text.floor_char_boundary(text.len().min(room_js).min(room)));
    while low < high {
        let middle = text.ceil_char_boundary(low + (high - low).div_ceil(2));
        if middle > high {
            break;
        }
        match fits(middle) {
            Some(_) => low = middle,
            None => high = text.floor_char_boundary(middle - 1),
        }
    }
    let mut end = text.floor_char_boundary(low);
    while end > 0 {
        if let Some(cut) = fits(end) {
            return Some(cut).filter(|(end, _)| *end > 0);
        }
        end = text.floor_char_boundary(end - 1);
    }
    None
}
